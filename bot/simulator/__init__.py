"""A Bot API server on loopback, and the page to play with it; it is Telegram, and knows nothing of the bot."""

from bot.simulator.client import PersonClient
from bot.simulator.faults import Fault, Faults
from bot.simulator.limits import Limits
from bot.simulator.observe import Call
from bot.simulator.people import Person
from bot.simulator.server import Simulator

__all__ = ["Call", "Fault", "Faults", "Limits", "Person", "PersonClient", "Simulator"]
