"""The stack watches itself: what Telegraf writes, the conditions that are alerts, and who evaluates them."""
