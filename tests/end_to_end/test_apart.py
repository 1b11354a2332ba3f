"""A pull worker beside a handle worker: whatever a handler does to its worker, no reply of a platform goes along."""

from tests.end_to_end.installation import HANDLERS, Installation

ACCOUNTS = """
[gateways.vv]
platform = "vvtool"
token = "env:VV_TOKEN"
url = "{url}"
lease_seconds = 6
[accounts.mall]
gateway = "vv"
shop_id = "123"
quantity = 10
poll = { min = 0.1, max = 0.2 }
"""
NOTE = '    note(message, "handled")'
ENDS = """
    does = content.get("does")
    if does and not os.path.exists(JOURNAL + does):
        open(JOURNAL + does, "w").close()
        note(message, "begun")
        if does == "crashes":
            import ctypes
            ctypes.string_at(0)
        if does == "eats memory":
            import resource
            resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))
            eaten = [bytearray(2**24) for _ in range(1000)]
        os.killpg(0, 9)
"""
WORST = ("kills its worker", "kills it again", "crashes", "eats memory")


def test_a_handler_that_ends_its_whole_worker_loses_nothing_that_was_pulled(installation: Installation) -> None:
    installation.configure(ACCOUNTS, HANDLERS.replace(NOTE, ENDS + NOTE))
    installation.control.fault("vvtool", "slow", seconds=0.5)  # a reply is on its way nearly always, and nowhere else
    contents = [{"does": does} if number == 4 else {"n": number} for does in WORST for number in range(20)]
    ids = installation.control.publish("vvtool", [{"topic": "t", "content": each} for each in contents], shop_id="123")
    installation.env["TIDINGS_HANDLERS"] = ""
    pull = installation.worker("pull", "-P", "threads", "-c", "8", "-Q", "consume,confirm,count")
    installation.beat()
    installation.env.clear()

    def handled() -> bool:
        if "handle" not in installation.processes or installation.processes["handle"].poll() is not None:
            installation.worker("handle", "-Q", "handle")
        return {line[4] for line in installation.handled()} == set(ids)

    installation.until(handled, 90, "every message is handled, also after what ended its worker")
    assert len(installation.handled("begun")) == len(WORST)
    assert pull.poll() is None
