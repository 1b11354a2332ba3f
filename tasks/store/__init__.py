"""What Tidings keeps in Redis, one idea a file; every key is below `tidings:`.

    file           holds
    due            when each account is to be polled next
    batches        which batches are under way, and who is held back
    marks          which messages were handled or are running
    turns          whose turn it is among messages of one key
    parts          what a chord's headers have returned
    stragglers     how far the chords have come that are under way
    inbox          raw replies of a platform that never sends again
    letters        messages that no handler could take
    recent         how an account's latest deliveries ended
    handling_rate  how fast handlers take messages
    polls          nothing of its own: what polls ask and tell, of several of these in one round trip
    seen           what each account's latest pulls told
    pauses         who is not called until when, and why
    quota          what each gateway has used of its limits, and who waits for a turn
    plans          how often each gateway's accounts are pulled
    tally          what was done today
    told           what was said lately, so that it is said once
    topics         how many messages of each topic came, were not handled, failed
    troubles       what went wrong lately
    web            who is logged in to the operators' page, and who did what there
    presence       which workers and beats run
    registries     which handlers workers have
    platform_clocks which platforms' clocks are off
    redis_clock    nothing: it asks what time it is

Each takes a client from `connection`, and none keeps state of its own. Names from outside stand in keys as `keys` writes them,
scripts are in `lua/`, `deferred` sends what nobody waits for, and `together` what threads ask at the same moment.
All keys, with type, expiry and meaning, stand in ARCHITECTURE.md, where a test compares them with what is found in Valkey.
"""
