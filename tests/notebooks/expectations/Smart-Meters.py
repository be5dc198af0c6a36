"""Sent is stored, in both versions of the schema."""

assert stored() == sent == total
assert versions.firmware.isna().any()
assert (versions.firmware == "2.0").any()
assert len(newest) > 100
assert (gaps.expected > 0).all()
assert (gaps.missing < gaps.expected).all()
