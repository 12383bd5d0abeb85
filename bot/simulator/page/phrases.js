// What to try first, in the customer's own language. {status}, {returned} are order numbers of theirs.

const SAYINGS = {
  en: [
    "Where is my order {status}?",
    "Cancel my last order",
    "I want to return order {returned}",
    "How long does delivery take?",
    "I want to talk to a person",
  ],
  zh: [
    "查询订单号 {status} 的状态",
    "取消我最近的订单",
    "我想退货，订单号 {returned}",
    "配送需要多长时间？",
    "转人工客服",
  ],
  es: [
    "¿Dónde está mi pedido {status}?",
    "Cancela mi último pedido",
    "Quiero devolver el pedido {returned}",
    "¿Cuánto tarda el envío?",
    "Quiero hablar con una persona",
  ],
  ru: [
    "Где мой заказ {status}?",
    "Отмените мой последний заказ",
    "Хочу вернуть заказ {returned}",
    "Сколько идёт доставка?",
    "Позовите человека",
  ],
  de: [
    "Wo ist meine Bestellung {status}?",
    "Storniere meine letzte Bestellung",
    "Ich möchte die Bestellung {returned} zurückgeben",
    "Wie lange dauert der Versand?",
    "Ich möchte mit einem Menschen sprechen",
  ],
  fr: [
    "Où est ma commande {status} ?",
    "Annulez ma dernière commande",
    "Je veux retourner la commande {returned}",
    "Combien de temps prend la livraison ?",
    "Je veux parler à quelqu'un",
  ],
  ar: [
    "أين طلبي {status}؟",
    "ألغِ طلبي الأخير",
    "أريد إرجاع الطلب {returned}",
    "كم يستغرق التوصيل؟",
    "أريد التحدث مع موظف",
  ],
  hi: [
    "मेरा ऑर्डर {status} कहाँ है?",
    "मेरा पिछला ऑर्डर रद्द करें",
    "मैं ऑर्डर {returned} वापस करना चाहता हूँ",
    "डिलीवरी में कितना समय लगता है?",
    "मुझे किसी व्यक्ति से बात करनी है",
  ],
  pt: [
    "Onde está o meu pedido {status}?",
    "Cancele o meu último pedido",
    "Quero devolver o pedido {returned}",
    "Quanto tempo demora a entrega?",
    "Quero falar com uma pessoa",
  ],
  it: [
    "Dov'è il mio ordine {status}?",
    "Annulla il mio ultimo ordine",
    "Voglio restituire l'ordine {returned}",
    "Quanto tempo richiede la consegna?",
    "Vorrei parlare con una persona",
  ],
  ja: [
    "注文 {status} の状況を教えてください",
    "最後の注文をキャンセルしてください",
    "注文 {returned} を返品したいです",
    "配送にはどのくらいかかりますか？",
    "担当者と話したいです",
  ],
  ko: [
    "주문 {status} 상태를 알려 주세요",
    "마지막 주문을 취소해 주세요",
    "주문 {returned} 반품하고 싶어요",
    "배송은 얼마나 걸리나요?",
    "상담원과 이야기하고 싶어요",
  ],
  tr: [
    "{status} numaralı siparişim nerede?",
    "Son siparişimi iptal et",
    "{returned} numaralı siparişi iade etmek istiyorum",
    "Teslimat ne kadar sürer?",
    "Bir insanla konuşmak istiyorum",
  ],
  pl: [
    "Gdzie jest moje zamówienie {status}?",
    "Anuluj moje ostatnie zamówienie",
    "Chcę zwrócić zamówienie {returned}",
    "Ile trwa dostawa?",
    "Chcę porozmawiać z człowiekiem",
  ],
  uk: [
    "Де моє замовлення {status}?",
    "Скасуйте моє останнє замовлення",
    "Хочу повернути замовлення {returned}",
    "Скільки триває доставка?",
    "Покличте людину",
  ],
};
const ADMIN = ["/stats", "/threads", "/health"];
const EXAMPLE_NUMBER = "ORD20241112001";

/** Return what a person may want to write first. */
export function phrasesFor(person) {
  if (person.role === "admin") return ADMIN;
  const sayings = SAYINGS[person.language?.slice(0, 2)] ?? SAYINGS.en;
  const orders = person.orders ?? [];
  const status = orders[0]?.number ?? EXAMPLE_NUMBER;
  const returned = orders.find((order) => order.status === "delivered")?.number ?? status;
  return sayings.map((saying) => saying.replace("{status}", status).replace("{returned}", returned));
}

export const STICKERS = [
  "👍",
  "❤️",
  "😂",
  "🙏",
  "😢",
  "😡",
  "🎉",
  "🤔",
  "👋",
  "📦",
  "🚚",
  "🔥",
  "😍",
  "👏",
  "💯",
  "🤷",
];
