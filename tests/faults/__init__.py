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

`test_*.py` are in the default suite, `stage_*.py` in `make slow`. Where each fault is tested (as test_rows.py checks):

    F01  test_f01_lost_answers, test_f30_strangers
    F02  test_f01_lost_answers
    F03  test_f01_lost_answers
    F04  test_f01_lost_answers, test_o03_believing
    F05  test_f32_waiting
    F06  test_f32_waiting
    F07  stage_kills, test_f07_kills
    F08  test_f08_signals
    F09  test_f09_others
    F10  test_f09_others
    F11  test_f09_others
    F12  test_f09_others
    F13  test_f09_others
    F14  test_f01_lost_answers
    F15  test_f01_lost_answers
    F16  test_f16_lists
    F17  test_f17_answers
    F18  test_f18_refusals
    F19  test_f18_refusals
    F20  test_f20_kept, test_o03_believing
    F21  test_f17_answers
    F22  test_f28_ledger
    F23  test_f17_answers
    F24  test_f17_answers
    F25  test_f20_kept, test_f25_believed, test_o03_believing
    F26  test_f26_owed
    F27  stage_kills, test_f27_rings
    F28  test_f28_ledger
    F29  test_f28_ledger, test_f30_strangers
    F30  test_f30_strangers, test_o03_believing
    F31  test_f08_signals, test_f32_waiting
    F32  test_f32_waiting
"""
