"""Payments by card: people pay near their home, and some cards are used by thieves, far away or many times in a row."""

import math
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from producers.record import SECOND, Record

CARDS = 500
FRAUD = 0.002  # chance that a payment begins a series of a thief's
SERIES = (3, 8)  # payments of a series
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# Name, state, latitude, longitude, inhabitants.
CITIES = (
    ("Albany", "NY", 42.65, -73.76, 99_000),
    ("Austin", "TX", 30.27, -97.74, 975_000),
    ("Boise", "ID", 43.62, -116.2, 236_000),
    ("Denver", "CO", 39.74, -104.99, 713_000),
    ("Miami", "FL", 25.76, -80.19, 449_000),
    ("Portland", "OR", 45.52, -122.68, 635_000),
    ("St. Louis", "MO", 38.63, -90.2, 286_000),
)
# Category, usual amount in USD, merchants.
CATEGORIES = {
    "electronics": (240.0, ("Volt & Co", "Byte Barn", "The Plug")),
    "fuel": (48.0, ("Pit Stop", "Route Nine", "Full Tank")),
    "groceries": (62.0, ("Green Basket", "Corner Market", "Daily Bread")),
    "restaurants": (34.0, ("Café Nord", "Noodle House", "Taquería Sol")),
    "travel": (310.0, ("Blue Wings", "Night Train", "Harbor Hotel")),
}
FIRST, LAST = (
    ("Ada", "Alan", "Edgar", "Grace", "Linus", "Radia"),
    ("Byron", "Codd", "Hopper", "Perlman", "Turing", "Wirth"),
)
JOBS = ("carpenter", "engineer", "nurse", "pilot", "teacher")
NETWORKS = {"amex": "34", "mastercard": "51", "visa": "4"}


@dataclass
class Card:
    """A card, its holder, and the place of each of its payments unless a thief has it."""

    number: str
    fields: dict[str, str | int]
    place: tuple[float, float]


def records(start_us: int, rate: float, seed: int) -> Iterator[Record]:
    """Yield payments without end; those of a thief follow each other."""
    chance = random.Random(seed)  # noqa: S311 - no secret, has to repeat
    cards = [_card(chance) for _ in range(CARDS)]
    number, stolen = 0, 0
    card, place = cards[0], cards[0].place
    while True:
        if stolen:
            stolen -= 1
        else:
            card = chance.choice(cards)
            place = card.place
            if chance.random() < FRAUD:
                stolen = chance.randint(*SERIES)
                place = chance.choice(CITIES)[2:4]
        yield _payment(card, place, start_us + round(number * SECOND / rate), chance)
        number += 1


def _card(chance: random.Random) -> Card:
    network = chance.choice(list(NETWORKS))
    digits = NETWORKS[network] + "".join(chance.choices("0123456789", k=15))
    number = digits[: 15 if network == "amex" else 16]
    city, state, lat, lon, inhabitants = chance.choice(CITIES)
    fields: dict[str, str | int] = {
        "card_id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "network": network,
        "first_name": chance.choice(FIRST),
        "last_name": chance.choice(LAST),
        "birth_year": chance.randint(1940, 2006),
        "job": chance.choice(JOBS),
        "city": city,
        "state": state,
        "city_population": inhabitants,
    }
    return Card(number, fields, (lat + chance.gauss(0, 0.05), lon + chance.gauss(0, 0.05)))


def _payment(card: Card, place: tuple[float, float], time_us: int, chance: random.Random) -> Record:
    category = chance.choice(list(CATEGORIES))
    usual, merchants = CATEGORIES[category]
    at = EPOCH + timedelta(microseconds=time_us)
    value = {
        "timestamp": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "transaction_id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "card_number": card.number,
        **card.fields,
        "merchant": chance.choice(merchants),
        "category": category,
        "channel": "online" if chance.random() < 0.3 else "shop",  # noqa: PLR2004 - a share
        "amount": round(usual * chance.lognormvariate(0, 0.6), 2),
        "currency": "USD",
        "approved": chance.random() < 0.97,  # noqa: PLR2004 - a share
        "lat": round(place[0] + chance.gauss(0, 0.03), 5),
        "lon": round(place[1] + chance.gauss(0, 0.03) / math.cos(math.radians(place[0])), 5),
    }
    return Record("transactions", str(card.fields["card_id"]), value)
