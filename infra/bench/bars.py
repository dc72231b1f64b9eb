"""What is promised of the functions' programs, as ratios to the bare program and as bytes, and what is beyond it. Never milliseconds: those
are the machine's."""

# A short run has few starts and calls, on a machine that does other things: it fails only far beyond what is promised.
FAR = 1.6
START, LARGEST_START, WARM, AHEAD_OF_NODE, PACKED_MB, PEAK_MB = 2.6, 2.8, 1.6, 30, 4.0, 10


def beyond(result, packed, ours, short):
    """What of the results of one run is beyond the bars, in words. `result`: by program, what each of its measures is."""
    slack = FAR if short else 1
    base, largest = result["bare"], max(ours, key=packed.get)
    found = []
    for name in ours:
        one = result[name]
        start, warm = one["start"] / base["start"], one["warm"] / base["warm"]
        bars = (
            (f"starts in {start:.1f} × of bare", start, LARGEST_START if name == largest else START),
            (f"answers in {warm:.1f} × of bare", warm, WARM),
            (f"has {packed[name]:.1f} MB zipped", packed[name], PACKED_MB),
            (f"needs {one['peak']:.1f} MB", one["peak"], PEAK_MB),
        )
        found += [f"{name} {what}, not {most}" for what, value, most in bars if value > most * slack]
    ahead = result["peer"]["start"] / result["payments"]["start"]
    if ahead < AHEAD_OF_NODE / slack:
        found.append(f"payments starts only {ahead:.0f} × as quickly as Node, not {AHEAD_OF_NODE}")
    return found
