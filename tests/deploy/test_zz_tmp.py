import time
from tests.deploy.test_fuzz import world, fuzz, found  # noqa


def test_long(world):
    promised = fuzz.documented()
    helpers = {f.name for x in world.functions.values() for f in x if f.is_helper}
    began = found(world.db)
    made = fuzz.Fuzz(world, 2)
    seen = {}
    wrong = set()
    a = time.time()
    out = open("/tmp/g-fuzz.log", "w", buffering=1)
    for n in range(100000):
        o = made.one()
        seen[o.sqlstate] = seen.get(o.sqlstate, 0) + 1
        name = o.call.removeprefix("select * from ").partition("(")[0]
        if fuzz.unlike(o, name in helpers, promised):
            k = f"{name} {o.sqlstate} {o.said[:60]}"
            if k not in wrong:
                wrong.add(k)
                print(n, o.sqlstate, o.role, o.has_written, o.call[:700], o.said[:700], sep="\n   ", file=out)
        if n % 2000 == 0:
            print("at", n, round(time.time() - a), file=out)
        if n % 20000 == 19999:
            print("consistency", found(world.db) - began, file=out)
    print(seen, file=out)
    print("consistency", found(world.db) - began, file=out)
    print("done", time.time() - a, file=out)
