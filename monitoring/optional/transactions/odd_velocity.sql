-- title: A card is in two places at once
-- for: 0s
-- unit: km/h between two payments
-- remedy: Look at the card's payments on the dashboard Transactions: block the card, or ask its holder. The alert ends ten minutes after the last such payment.
DECLARE @km_per_hour := 1000
SELECT 'card ' || card_id AS subject, max(kmh) AS value
FROM transactions_velocity
WHERE timestamp > dateadd('m', -10, now()) AND kmh > @km_per_hour
GROUP BY card_id;
