"""What the code has of it: declared and called, and named by a test."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from contracts.catalogue import BUILT, event_models
from tests.domain.named import Named, Sort
from workers.engine.service import Service

ROOT = Path(__file__).parents[2]


def implemented(each: Named, services: Mapping[str, Service]) -> bool:
    """A declaration counts, and for what is only called (events, timers) its use in the service's own folder."""
    service, folder = services.get(each.service), ROOT / "workers" / "services" / each.service
    if service is None or not folder.is_dir():
        return False
    words = _words(folder)
    match each.sort:
        case Sort.COMMAND:
            return each.name in {handler.command.__name__ for handler in service.handlers}
        case Sort.EVENT:
            return each.service in BUILT and each.name in words and each.name in {model.__name__ for model in event_models(each.service)}
        case Sort.REACTION:
            declared = {f"{reaction.event.service}.{reaction.event.__name__}" for reaction in service.reactions}
            return each.source in declared and each.sends in words
        case Sort.EFFECT:
            return _bare(each.name) in {_bare(effect.name) for effect in service.effects}
        case Sort.TIMER:
            return each.name in words and each.sends in {handler.command.__name__ for handler in service.handlers}
        case Sort.QUERY:
            return False


def shown(each: Named, services: Mapping[str, Service]) -> bool:
    """Named by a test of its service: a reaction by its event, an effect by its name, function or event, a timer by its command too."""
    words = _words(ROOT / "tests" / "unit" / "services" / each.service)
    if each.sort is Sort.REACTION:
        return each.source.partition(".")[2] in words
    if each.sort is Sort.EFFECT:
        effects = [effect for effect in services[each.service].effects if _bare(effect.name) == _bare(each.name)]
        return any(not words.isdisjoint({_bare(each.name), effect.run.__name__, effect.event.__name__}) for effect in effects)
    if each.sort is Sort.TIMER:
        return each.name in words or each.sends in words
    return each.name in words


@cache
def _words(folder: Path) -> frozenset[str]:
    return frozenset(word for path in folder.rglob("*.py") for word in _of(path.read_text(encoding="utf-8")))


def _of(text: str) -> Iterable[str]:
    """Names, and the texts between quotes with their hyphens."""
    return [*re.findall(r"\w+", text), *re.findall(r"[\"'](?:[a-z]+\.)?([a-z]+(?:-[a-z]+)+)[\"']", text)]


def _bare(effect: str) -> str:
    return effect.rpartition(".")[2]
