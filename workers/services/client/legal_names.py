"""Whether two spellings are one company's name: case, punctuation and the way its legal form is written make no difference.

A number found the company already; the name only has to fit. What doesn't fit is looked at by a person, so a form that is not in the
table costs time and no more. An accent is a different letter here: no table of all languages' foldings is worth that.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from types import MappingProxyType

Words = tuple[str, ...]

# One form a line: how it is called here, then its spellings. Dots and apostrophes are dropped, so S.A.R.L. reads sarl.
_TABLE = """
ag: ag; aktiengesellschaft
ab: ab; aktiebolag; ab publ
aps: aps; anpartsselskab
as: as; a/s; asa; aktieselskab; aksjeselskap; anonim şirketi; anonim sirketi; akciová společnost
bv: bv; besloten vennootschap
bvba: bvba
cic: cic; community interest company
co: co; company; compagnie; cie
corp: corp; corporation
doo: doo; d o o
eg: eg; eingetragene genossenschaft
ek: ek; e k; eingetragener kaufmann; eingetragene kauffrau
est: est; establishment; مؤسسة
eurl: eurl
fze: fze; free zone establishment
fzco: fzco; fz co; free zone company
gbr: gbr; gesellschaft bürgerlichen rechts
gmbh: gmbh; gesellschaft mit beschränkter haftung; mbh
gmbh-kg: gmbh & co kg; gmbh & cokg
inc: inc; incorporated
jsc: jsc; joint stock company; pjsc; public joint stock company; شركة مساهمة; ش.م
kft: kft
kg: kg; kommanditgesellschaft
kk: kk; kabushiki kaisha; 株式会社
lda: lda; limitada
llc: llc; limited liability company; fz-llc; fz llc; llc-fz; شركة ذات مسؤولية محدودة; ذات مسؤولية محدودة; ذ.م.م; ش.ذ.م.م; ooo; ооо
llp: llp; limited liability partnership
lp: lp; limited partnership
ltd: ltd; limited; co ltd; company limited; ltd co; ltda; limited şirketi; ltd şti; limited sirketi; ltd sti
nv: nv; naamloze vennootschap
ohg: ohg; offene handelsgesellschaft
oy: oy; oyj; osakeyhtiö
plc: plc; public limited company; public ltd co
pllc: pllc; professional limited liability company
pte-ltd: pte ltd; pte limited
pty-ltd: pty ltd; proprietary limited; pty limited
pvt-ltd: pvt ltd; private limited; pvt limited; private ltd
sa-de-cv: sa de cv; sociedad anónima de capital variable
sa: sa; société anonyme; sociedad anónima; sociedade anónima; spółka akcyjna
sae: sae; ش.م.م; شركة مساهمة مصرية
sarl: sarl; société à responsabilité limitée; sàrl
sas: sas; société par actions simplifiée; sasu
sci: sci; société civile immobilière
sdn-bhd: sdn bhd; sendirian berhad
s-de-rl: s de rl; s de rl de cv
se: se; societas europaea
sl: sl; sociedad limitada; slu; sociedad de responsabilidad limitada
snc: snc; société en nom collectif; società in nome collettivo
spa: spa; società per azioni
sp-zoo: sp z oo; sp z o o; spółka z ograniczoną odpowiedzialnością
srl: srl; società a responsabilità limitata; srls
sro: sro; s r o; společnost s ručením omezeným
ug: ug; ug haftungsbeschränkt; unternehmergesellschaft; unternehmergesellschaft haftungsbeschränkt
vof: vof; vennootschap onder firma
"""
_DROPPED = frozenset(".'’‘`´ʼ·")
_COMPANY = "شركة"
"""Stands before many Arabic names, with or without a legal form at their end."""


def same_company_name(one: str, other: str) -> bool:
    """Their own words are equal, and so are the legal forms where both names say one."""
    (words, form), (other_words, other_form) = _parts(one), _parts(other)
    return bool(words) and words == other_words and (form == other_form or not form or not other_form)


def _parts(name: str) -> tuple[Words, str]:
    """A name's own words, and its legal form: at the end, or before all else as in Arabic and Russian names."""
    words = _words(name)
    for length in range(min(_LONGEST, len(words) - 1), 0, -1):
        for form, rest in ((words[-length:], words[:-length]), (words[:length], words[length:])):
            if form in _FORMS and (form == words[-length:] or not form[0].isascii()):
                return _bare(rest), _FORMS[form]
    return _bare(words), ""


def _bare(words: Words) -> Words:
    return words[1:] if len(words) > 1 and words[0] == _COMPANY else words


def _words(name: str) -> Words:
    return tuple("".join(_folded(unicodedata.normalize("NFKC", name).casefold())).split())


def _folded(text: str) -> Iterator[str]:
    for character in text:
        category = unicodedata.category(character)
        # Cf: marks of writing direction and joiners, which nobody sees.
        if character not in _DROPPED and category != "Cf":
            yield " " if category[0] in "PZ" else character


def _spellings() -> Iterator[tuple[Words, str]]:
    for line in _TABLE.strip().splitlines():
        name, _, spellings = line.partition(":")
        for spelling in spellings.split(";"):
            words = _words(spelling)
            yield words, name
            if len(words) == 1 and len(words[0]) <= 4:
                yield tuple(words[0]), name


_FORMS: Mapping[Words, str] = MappingProxyType(dict(_spellings()))
_LONGEST = max(map(len, _FORMS))
