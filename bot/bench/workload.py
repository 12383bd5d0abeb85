"""What the engine is measured with: threads of customers who write at the same time, in several languages.

The texts are made up for this and mean nothing to a model of random weights; what counts is how long they are: a
system message of some 454 of Qwen's tokens, and 20 to 45 for what a customer writes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.actions import ActionKind, action_schema
from bot.domain.ports import ChatMessage

MESSAGE_CHARS = 60
"""How long the message of a message turn may be; random weights never end one earlier."""

SYSTEM = """\
You are the assistant of the shop Northwind Garden. Read the customer's last message and answer with one JSON object:
{"action": ..., "order_id": ..., "response_type": ..., "message": ...}
action: "query_order" (where is an order, its state, has not arrived), "cancel_order" (stop an order already placed),
"return_apply" (send goods back), "handoff" (wants a person), "unknown" (anything else: small talk, questions about
products, prices, policies, an address change, or NOT wanting to cancel any more).
order_id: the order number exactly as written in the conversation, or null. Never make one up.
response_type: "text" for unknown, otherwise "json".
message: for unknown a short, friendly answer or question in the customer's language, from the facts; otherwise "".
Never say that something was cancelled, returned or refunded: the shop's system does that and says so itself.

Facts of the shop:
Open Monday to Friday from 9 to 17. Parcels leave on the day of the order when it comes before noon, and take two to
four days. Shipping costs 4.90, and nothing from 60 upwards. Goods can be sent back for 30 days after delivery; live
plants cannot. Payment by card, transfer or on invoice, and refunds always go the way the money came.

Examples:
Where is my parcel? -> {"action":"query_order","order_id":null,"response_type":"json","message":""}
Please stop 4711-A, wrong size \
-> {"action":"cancel_order","order_id":"4711-A","response_type":"json","message":""}
My order 4711-B is broken, take it back \
-> {"action":"return_apply","order_id":"4711-B","response_type":"json","message":""}
Can I talk to somebody? -> {"action":"handoff","order_id":null,"response_type":"json","message":""}
Do you ship to islands? -> {"action":"unknown","order_id":null,"response_type":"text","message":"To which one?"}"""

# Language -> what customers write, and what the bot said before. "{order}" is an order number.
_SAID: dict[str, tuple[str, ...]] = {
    "en": (
        "Hello, I ordered two large flower pots last week and the tracking page has not changed since Monday. News?",
        "The watering can from order {order} arrived with a dent in its side, so I would like to send it back, please.",
        "I think I clicked twice by mistake. Could you please stop order {order} before it leaves your warehouse?",
        "Thanks! One more thing: do the lavender plants survive a cold winter outside, or should I take them in?",
    ),
    "de": (
        "Guten Tag, meine Bestellung {order} sollte gestern kommen, aber es war niemand da. Wo ist das Paket jetzt?",
        "Die Gartenschere ist mir leider zu klein, ich möchte sie gern zurückschicken. Wie geht das bei Ihnen?",
        "Haben Sie die blauen Kübel auch in einer größeren Ausführung, etwa mit vierzig Zentimetern?",
    ),
    "es": (
        "Buenos días, hice el pedido {order} hace diez días y todavía no ha llegado nada. ¿Me pueden decir algo?",
        "Me equivoqué de color al comprar las sillas. ¿Podrían anular la compra antes de que salga del almacén?",
        "¿Puedo pagar contra factura si vivo en Portugal, o solamente aceptan tarjeta y transferencia?",
    ),
    "fr": (
        "Bonjour, le colis {order} est marqué comme livré, mais je n'ai rien trouvé dans ma boîte aux lettres.",
        "Je voudrais rendre le parasol que j'ai reçu mardi, il est beaucoup plus petit que sur la photo.",
        "Est-ce que je peux parler à quelqu'un de votre équipe au sujet de ma dernière facture, s'il vous plaît ?",
    ),
    "ru": (
        "Добрый день! Заказ {order} до сих пор не пришёл, хотя обещали в пятницу. Где он?",
        "Хочу вернуть садовые перчатки, они мне малы. Что для этого нужно сделать?",
        "Подскажите, пожалуйста, сколько стоит доставка в другой город?",
    ),
    "zh": (
        "你好,我上周买的花盆到现在还没有收到,订单号是{order},请帮我查一下现在到哪里了。",
        "你好,我不小心下错了颜色,这一单还没有发货的话,能不能帮我取消?谢谢!",
        "请问你们的薰衣草冬天可以放在阳台外面吗?大概最低能耐多少度?",
    ),
    "ar": (
        "مرحبا، طلبي رقم {order} لم يصل بعد، أين هو الآن؟",
        "أريد إرجاع الكرسي الذي وصل أمس لأنه مكسور، ماذا أفعل؟",
    ),
    "hi": (
        "नमस्ते, मेरा ऑर्डर {order} अभी तक नहीं आया है।",
        "मुझे यह कुर्सी वापस करनी है, कैसे करूँ?",
    ),
}
_REPLIES = {
    "en": "Thank you. Your parcel is on its way and should be with you on Thursday.",
    "de": "Danke. Ihr Paket ist unterwegs und kommt voraussichtlich am Donnerstag an.",
    "es": "Gracias. Su paquete está en camino y llegará el jueves.",
    "fr": "Merci. Votre colis est en route et arrivera jeudi.",
    "ru": "Спасибо. Посылка в пути и придёт в четверг.",
    "zh": "谢谢,您的包裹正在路上,预计星期四送到。",
    "ar": "شكرا، الطرد في الطريق إليك.",
    "hi": "धन्यवाद, पार्सल रास्ते में है।",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One customer message with all that stands before it.

    Args:
        thread: whose message it is; a thread's turns come one after the other.
        candidates: the order numbers that its customer wrote so far.
        says: whether the answer has a message for the customer, or is one for the code alone.
    """

    thread: str
    messages: tuple[ChatMessage, ...]
    candidates: tuple[str, ...]
    says: bool

    @property
    def schema(self) -> dict[str, Any]:
        """Return the schema of the answer: the four fields, such that random weights cannot choose the other kind."""
        schema = action_schema(self.candidates, MESSAGE_CHARS if self.says else 0)
        kinds = [ActionKind.UNKNOWN] if self.says else [kind for kind in ActionKind if kind is not ActionKind.UNKNOWN]
        schema["properties"]["action"] = {"enum": [kind.value for kind in kinds]}
        schema["properties"]["response_type"] = {"enum": ["text" if self.says else "json"]}
        return schema


def threads(count: int, turns: int, *, says: bool, seed: int = 0) -> list[list[Turn]]:
    """Return `count` threads of `turns` turns each; the same `seed` gives the same ones."""
    chance = random.Random(seed)  # noqa: S311 - what it draws is no secret
    languages = list(_SAID)
    return [_thread(f"{seed}-{at}", languages[at % len(languages)], turns, says, chance) for at in range(count)]


def _thread(name: str, language: str, turns: int, says: bool, chance: random.Random) -> list[Turn]:
    found: list[Turn] = []
    messages, numbers = [ChatMessage("system", SYSTEM)], list[str]()
    for said in _order(_SAID[language], turns, chance):
        number = f"NG-{chance.randrange(10_000, 100_000)}"
        if "{order}" in said:
            numbers.append(number)
        messages.append(ChatMessage("user", said.replace("{order}", number)))
        found.append(Turn(name, tuple(messages), tuple(numbers), says))
        messages.append(ChatMessage("assistant", _REPLIES[language]))
    return found


def _order(said: Sequence[str], turns: int, chance: random.Random) -> list[str]:
    """Return so many texts, each as often as any other."""
    drawn: list[str] = []
    while len(drawn) < turns:
        drawn += chance.sample(said, len(said))
    return drawn[:turns]


def texts() -> list[str]:
    """Return everything that a customer may write, with an order number in its place."""
    return [said.replace("{order}", "NG-12345") for kind in _SAID.values() for said in kind]
