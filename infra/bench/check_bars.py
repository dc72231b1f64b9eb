"""What the comparison of `infra/bench/run` calls beyond the bars: whatever the machine, and nothing else."""

import unittest

from bars import FAR, beyond

OURS = ("payments", "acquiring")
PACKED = {"payments": 3.0, "acquiring": 3.9}


def run(machine=1.0, **changes):
    """The results of a run that holds everything, on a machine that takes so many times as long, but for some programs' measures."""
    result = {
        "bare": {"start": 1.0, "warm": 0.1, "peak": 3},
        "payments": {"start": 2.2, "warm": 0.13, "peak": 7},
        "acquiring": {"start": 1.9, "warm": 0.14, "peak": 8},
        "peer": {"start": 110.0, "warm": 0.3, "peak": 90},
    }
    for name, one in result.items():
        one.update(changes.get(name, {}))
        one.update({measure: one[measure] * machine for measure in ("start", "warm")})
    return result


class Bars(unittest.TestCase):
    def test_a_run_that_holds_everything_holds_it_on_any_machine(self):
        for machine in (0.01, 1, 1000):
            for short in (False, True):
                self.assertEqual(beyond(run(machine), PACKED, OURS, short), [])

    def test_each_bar_is_one(self):
        for name, measure, value, said in (
            ("payments", "start", 2.7, "payments starts in 2.7 × of bare, not 2.6"),
            ("acquiring", "start", 2.9, "acquiring starts in 2.9 × of bare, not 2.8"),
            ("payments", "warm", 0.17, "payments answers in 1.7 × of bare, not 1.6"),
            ("acquiring", "peak", 11, "acquiring needs 11.0 MB, not 10"),
            ("peer", "start", 60.0, "payments starts only 27 × as quickly as Node, not 30"),
        ):
            self.assertEqual(beyond(run(**{name: {measure: value}}), PACKED, OURS, False), [said])
            self.assertEqual(beyond(run(**{name: {measure: value}}), PACKED, OURS, True), [], "a short run lets it pass")

    def test_the_largest_program_alone_may_start_a_little_later(self):
        self.assertEqual(beyond(run(acquiring={"start": 2.7}), PACKED, OURS, False), [])

    def test_a_short_run_fails_far_beyond_each_bar(self):
        for name, measure, value in (
            ("payments", "start", 2.6 * FAR + 0.1),
            ("acquiring", "start", 2.8 * FAR + 0.1),
            ("acquiring", "warm", 0.16 * FAR + 0.01),
            ("payments", "peak", 10 * FAR + 1),
            ("peer", "start", 2.2 * 30 / FAR - 2),
        ):
            self.assertEqual(len(beyond(run(**{name: {measure: value}}), PACKED, OURS, True)), 1, f"{name} {measure}")
        self.assertEqual(beyond(run(), {"payments": 3.0, "acquiring": 4.1}, OURS, False), ["acquiring has 4.1 MB zipped, not 4.0"])
        self.assertEqual(len(beyond(run(), {"payments": 3.0, "acquiring": 4.0 * FAR + 0.1}, OURS, True)), 1)


if __name__ == "__main__":
    unittest.main()
