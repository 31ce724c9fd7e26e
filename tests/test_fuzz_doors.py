"""Two thousand spoiled bodies and files through every door, the same ones each time."""

from benchmarks.fuzz_doors import GROWTH, Doors, run
from benchmarks.spoiling import MAKERS, inputs
from glassform.settings import ARTIFACTS


def test_two_thousand_spoiled_inputs_fail_nothing(scorecard, tmp_path, caplog):
    doors = Doors(ARTIFACTS, "adult", tmp_path)
    assert run(doors, scorecard.typical, 2_000, seed=18) < GROWTH
    assert sum(doors.counts.values()) >= 1_990 and doors.scored
    assert {"200", "400", "415", "422"} <= doors.counts.keys()
    assert not [record for record in caplog.records if record.exc_info]


def test_the_inputs_are_the_same_for_the_same_seed(record):
    assert [*inputs(record, 50, 1)] == [*inputs(record, 50, 1)] != [*inputs(record, 50, 2)]
    assert {each.door for each in inputs(record, 50, 1)} == MAKERS.keys()
