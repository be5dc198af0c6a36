"""A market of five currencies: quotes with an order book of five levels, and trades at its prices.

Prices move with the market and on their own; how much of each changes within an hour, so that their correlation does, too.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from producers.record import SECOND, Record

# First price in USD, size of a usual order, share of messages.
SYMBOLS = {
    "BTC-USD": (91_000.0, 0.05, 5),
    "ETH-USD": (3_050.0, 1.0, 4),
    "SOL-USD": (142.0, 20.0, 2),
    "XRP-USD": (2.2, 900.0, 1),
    "ADA-USD": (0.43, 4_000.0, 1),
}
LEVELS = 5
TRADES = 0.3  # of all messages; the others are quotes
SWEEP = 0.15  # of trades: one order that takes the prices of several levels at once
VOLATILITY = 1.5e-4  # of the logarithm of a price, in a second
REGIME = 3_600 * SECOND


@dataclass
class Book:
    """The order book of a symbol. `value` is the logarithm of its fair price; counters of what was sent."""

    symbol: str
    value: float
    size: float
    moved_us: int
    market: float
    sequence: int = 0
    trades: int = 0

    @property
    def tick(self) -> float:
        """The smallest step of a price, a power of ten."""
        return float(10.0 ** (math.floor(self.value / math.log(10)) - 4))

    def move(self, time_us: int, market: float, chance: random.Random) -> None:
        """Follow the market until `time_us`, and wander."""
        shared = 0.5 + 0.45 * math.sin(2 * math.pi * (time_us % REGIME) / REGIME)
        own = VOLATILITY * math.sqrt((time_us - self.moved_us) / SECOND) * chance.gauss(0, 1)
        self.value += math.sqrt(shared) * (market - self.market) + math.sqrt(1 - shared) * own
        self.moved_us, self.market = time_us, market

    def prices(self, side: int) -> list[float]:
        """Return the prices of the levels, the best first; `side` is 1 for those who sell, -1 for those who buy."""
        best = math.exp(self.value) * (1 + side * 1e-4)
        decimals = max(0, -round(math.log10(self.tick)))
        return [round(best + side * level * self.tick, decimals) for level in range(LEVELS)]


def records(start_us: int, rate: float, seed: int) -> Iterator[Record]:
    """Yield quotes and trades without end. Fills of one order have the same time."""
    chance = random.Random(seed)  # noqa: S311 - no secret, has to repeat
    books = [Book(name, math.log(price), size, start_us, 0.0) for name, (price, size, _) in SYMBOLS.items()]
    weights = [weight for *_, weight in SYMBOLS.values()]
    market, number = 0.0, 0
    while True:
        time_us = start_us + round(number * SECOND / rate)
        market += VOLATILITY * math.sqrt(1 / rate) * chance.gauss(0, 1)
        (book,) = chance.choices(books, weights)
        book.move(time_us, market, chance)
        for record in _trades(book, time_us, chance) if chance.random() < TRADES else [_quote(book, time_us, chance)]:
            yield record
            number += 1


def _quote(book: Book, time_us: int, chance: random.Random) -> Record:
    book.sequence += 1

    def sizes() -> list[float]:
        return [round(book.size * (1 + level) * chance.lognormvariate(0, 0.5), 6) for level in range(LEVELS)]

    value = {"timestamp": time_us, "sequence": book.sequence, "symbol": book.symbol}
    value |= {"bid_prices": book.prices(-1), "bid_sizes": sizes(), "ask_prices": book.prices(1), "ask_sizes": sizes()}
    return Record("quotes", book.symbol, value, "quotes")


def _trades(book: Book, time_us: int, chance: random.Random) -> Iterator[Record]:
    side = chance.choice((-1, 1))
    fills = chance.randint(2, LEVELS) if chance.random() < SWEEP else 1
    for price in book.prices(side)[:fills]:
        book.trades += 1
        value = {"timestamp": time_us, "trade_id": book.trades, "symbol": book.symbol}
        value |= {"side": "buy" if side > 0 else "sell", "price": price}
        value["amount"] = round(book.size * chance.lognormvariate(-0.5, 0.8), 6)
        yield Record("trades", book.symbol, value, "trades")
