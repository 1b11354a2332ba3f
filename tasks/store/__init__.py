"""What Tidings keeps in Redis, one idea a file; every key is below `tidings:`.

    file           holds
    due            when each account is to be polled next
    batches        which batches are under way, and who is held back
    marks          which messages were handled or are running
    parts          what a chord's headers have returned
    inbox          raw replies of a platform that never sends again
    letters        messages that no handler could take
    recent         how an account's latest deliveries ended
    handling_rate  how fast handlers take messages
    seen           what each account's latest pulls told
    pauses         who is not called until when, and why
    quota          what each gateway has used of its limits, and who waits for a turn
    plans          how often each gateway's accounts are pulled
    tally          what was done today

Each takes a client from `connection`, and none keeps state of its own. Names from outside stand in keys as `keys` writes them,
scripts are in `lua/`, and `deferred` sends what nobody waits for. All keys, with what is in capitals in place of a name:

    key                            type        file           expires              what it holds
    tidings:due:KIND               sorted set  due            no                   account → its next consume or count
    tidings:learnt:KIND            hash        due            no                   account → the number that its counter gave
    tidings:batch:BATCH            string      batches        2 leases             the batch as JSON
    tidings:open:ACCOUNT           sorted set  batches        2 leases             batch → when its lease ends
    tidings:sizes:ACCOUNT          hash        batches        2 leases             batch → its messages for handlers
    tidings:held:ACCOUNT           string      batches        600 s                since when the account is held back
    tidings:mark:NAME…             string      marks          2 days, done 3 days  who runs a message, or done, or dead
    tidings:parts:BATCH            list        parts          2 leases             how many headers, then [index, value] each
    tidings:inbox:ACCOUNT          sorted set  inbox          no                   batch → when it is handed out again
    tidings:inbox:raw:BATCH        hash        inbox          no                   body, size, a field a settled receipt
    tidings:secured                string      inbox          60 s                 nothing: the write that WAITAOF waits for
    tidings:letters                hash        letters        no                   letter id → JSON
    tidings:letters:at             sorted set  letters        no                   letter id → when it was buried
    tidings:recent:ACCOUNT         hash        recent         7 days               well, dead; halved when they get large
    tidings:flow                   hash        handling_rate  1 hour               handed, rate; at, base, waiting: last look
    tidings:seen                   hash        seen           no                   account → its latest pull, compact JSON
    tidings:pause:account:ACCOUNT  string      pauses         its end + 1 day      the pause as JSON
    tidings:pause:gateway:GATEWAY  string      pauses         its end + 1 day      the pause as JSON
    tidings:used:GATEWAY:NUMBER    hash        quota          2 days               calls by API, points, owed, held, dearest, said
    tidings:pace:GATEWAY           hash        quota          2 days               limits in force, last call, fastest reply
    tidings:window:GATEWAY         sorted set  quota          seconds              call → when it stops counting
    tidings:line:GATEWAY           sorted set  quota          2 days               who waits for a turn → since when
    tidings:called:GATEWAY         sorted set  quota          2 days               who of them was called in → for when
    tidings:plans                  hash        plans          no                   gateway → its plan as JSON
    tidings:planning:GATEWAY       string      plans          30 s                 1 while a worker makes the next plan
    tidings:pulled:DAY:GATEWAY     string      plans          2 days               messages pulled that day
    tidings:short:DAY:GATEWAY      string      plans          2 days               1 once it was said that quota is short
    tidings:tally:DAY:ACCOUNT      hash        tally          8 days               calls, points, pulled, and each outcome

A field of an account or gateway that is gone goes when the beat finds it gone, or the next plan is made. What is done stays
marked for TIDINGS_DONE_DAYS. A day is the platforms' date, its number counts from 1970. Celery's queues, its record of what
workers have in hand and its results lie below `tidings:` too, as kombu and Celery name them.
"""
