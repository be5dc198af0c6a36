"""Sent is stored, without the numbers of cards; thieves are found."""

assert stored() == sent == total
assert kept.card_number.tolist() == ["*" * 16]
assert len(odd) > 0
assert (odd.kmh > 1000).all()
