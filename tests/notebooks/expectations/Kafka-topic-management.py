"""Every message is in the topic, and some keys moved, not all."""

assert [error for error, _, _ in delivered if error] == []
assert kept == len(delivered) == messages // 2 * 2
assert 0 < len(moved) < len(after)
assert topic not in admin.list_topics(timeout=10).topics
