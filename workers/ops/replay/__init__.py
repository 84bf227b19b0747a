"""Records handed to their consumer once more, on purpose and on record. The command line calls it; so may a console.

selection  which records            reading    finding them in the log      census      counting them beforehand
ensure     a copy of a record       redo       a new command like it        plan        what a replay is to do
checkpoint where one stands         running    sending, pausing, resuming   tally       what became of what was sent
overlay    tables that keep nothing deciding   the engine over them         rehearsal   a replay that changes nothing
"""
