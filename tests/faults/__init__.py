"""The program, end to end, against a world that misbehaves.

    wire.py      whole HTTP messages on a socket
    kiamo.py     an instance of the tests' own: the API by hand, the platform's rules, a log of every call, and knobs
    proxy.py     stands in front of it, and plays faults by rule
    scene.py     a project in a folder, and the program run against the proxy; `converges()`
    forks.py     runs as processes, for kills and signals
    killing.py   a plan of many kinds of writes, killed at one of its calls
    cutting.py   names that go round, cut at one of the calls

A test takes the fixture `scene`, says what goes wrong, applies, looks at the instance and its log, and ends with
`scene.converges()`: without faults an apply ends with 0, a second one writes nothing, and no name stands twice. Every
apply is held against its journal: the writes that the journal says were sent are those that came to the proxy.

    def test_f01_…(scene):
        scene.proxy.play(reset, "POST", "/api/bases$")
        scene.apply(expect=0)
        assert len(scene.created("/bases")) == 2
        scene.converges()

`test_*.py` are in the default suite, `stage_*.py` in `make slow`. README.md says which fault is tested where.
"""
