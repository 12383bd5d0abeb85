"""Every text a customer reads, in the customer's language.

Plain text, never HTML or Markdown. Each method takes the language first. The English sentences are the keys of the
catalogues in `bot/locale/catalogues`; after a change run `python -m bot.locale update`.
"""

from __future__ import annotations

from bot.conversation.flow_replies import FlowReplies
from bot.conversation.identity_replies import IdentityReplies
from bot.conversation.order_text import NAME_CHARS, TextCatalogue, quoted
from bot.conversation.write_replies import WriteReplies

__all__ = ["Replies", "TextCatalogue"]

LANGUAGE_NAMES = {
    "en": "English",
    "zh": "中文",
    "es": "Español",
    "ru": "Русский",
    "de": "Deutsch",
    "fr": "Français",
    "ar": "العربية",
    "hi": "हिन्दी",
}


class Replies(IdentityReplies, WriteReplies, FlowReplies):
    """What the bot says.

    About orders see `OrderReplies` and `WriteReplies`, about what it only suspects `InquiryReplies`, about who asks
    `IdentityReplies`, about what comes before a write `FlowReplies`.
    """

    __slots__ = ()

    # --- greeting and settings ---

    def welcome(self, language: str, name: str) -> str:
        """Greet, and say what the bot is and can do."""
        words = self.catalogue_for(language)
        shop = quoted(words, self.shop_name, NAME_CHARS)
        if shown := quoted(words, name, NAME_CHARS):
            hello = words.gettext("Hello %(name)s! 👋 I am the assistant of %(shop)s, a bot.")
            hello %= {"name": shown, "shop": shop}
        else:
            hello = words.gettext("Hello! 👋 I am the assistant of %(shop)s, a bot.") % {"shop": shop}
        offer = words.gettext(
            "I can tell you where an order is, cancel it or start a return, and answer questions about the shop. "
            "A person from our team is there for you, too. Just write in your own words."
        )
        return f"{hello}\n\n{offer}"

    def greeting(self, language: str) -> str:
        """Greet back, and say what the bot is for."""
        return self.catalogue_for(language).gettext(
            "Hello! 👋 I am a bot and can look up an order, cancel it, start a return, or bring in a person. "
            "What can I do for you?"
        )

    def thanks(self, language: str) -> str:
        """Answer thanks or a goodbye."""
        return self.catalogue_for(language).gettext("You are welcome! 😊 If there is anything else, just write to me.")

    def help(self, language: str) -> str:
        """Say what can be asked, with examples and commands."""
        words = self.catalogue_for(language)
        say = words.gettext
        template = say("%(command)s – %(text)s")
        commands = (
            template % {"command": words.isolate(f"/{name}"), "text": text}
            for name, text in self.command_descriptions(language).items()
        )
        examples = say(
            "Just write in your own words, for example:\n"
            "• Where is my order?\n"
            "• Cancel my last order\n"
            "• I would like to return something"
        )
        return "\n".join((examples, "", *commands))

    def command_descriptions(self, language: str) -> dict[str, str]:
        """Return the commands of the menu with what they do."""
        say = self.catalogue_for(language).gettext
        return {
            "start": say("Say hello"),
            "help": say("What I can do for you"),
            "orders": say("Your orders"),
            "language": say("Choose the language"),
            "human": say("Talk to a person"),
            "whoami": say("Whose orders you see here"),
            "unlink": say("Stop showing my orders"),
            "reset": say("Start afresh"),
        }

    def language_name(self, code: str) -> str:
        """Return a language's name for itself; an unknown code as it is."""
        return LANGUAGE_NAMES.get(code, code)

    def language_question(self, language: str) -> str:
        """Ask for the language."""
        return self.catalogue_for(language).gettext("Which language would you like to use?")

    def language_set(self, language: str) -> str:
        """Say, in the new language, that it is the language from now on."""
        return self.catalogue_for(language).gettext("All right, from now on I will write to you in English.")

    def reset_done(self, language: str) -> str:
        """Say that the conversation starts anew."""
        return self.catalogue_for(language).gettext("All right, we start afresh. What can I do for you?")

    # --- people ---

    def handoff_started(self, language: str) -> str:
        """Say that a person will answer."""
        return self.catalogue_for(language).gettext(
            "🙋 I am passing this on to a person from our team, who will answer you here. "
            "You can keep writing in the meantime."
        )

    def handoff_button(self, language: str) -> str:
        """Return the label of the button that asks for a person."""
        return self.catalogue_for(language).gettext("🙋 Talk to a person")

    def still_with_human(self, language: str) -> str:
        """Say that a person has this conversation; at most 200 characters, as it is shown as a toast."""
        return self.catalogue_for(language).gettext("A person from our team has this conversation and will answer you.")

    def back_with_bot(self, language: str) -> str:
        """Say that the bot answers again."""
        return self.catalogue_for(language).gettext("The bot is answering again. 🤖 What else can I do for you?")

    def away(self, language: str) -> str:
        """Say that the bot is paused."""
        return self.catalogue_for(language).gettext(
            "I am taking a short break. Your message is kept, and a person from our team will answer it."
        )

    # --- what was not understood ---

    def clarify(self, language: str) -> str:
        """Ask what is meant, with examples."""
        return self.catalogue_for(language).gettext(
            "I am not sure what you need. I can look up an order, cancel it, start a return, or bring in a person. "
            "For example, write “Where is my order?” or “Cancel my last order”."
        )

    def apology(self, language: str) -> str:
        """Apologise when nothing in the house could understand the message."""
        return self.catalogue_for(language).gettext(
            "I am sorry, I cannot answer this right now. Please try again with other words, or talk to a person."
        )

    def media_received(self, language: str, kind: str) -> str:
        """Say what the bot cannot look at, hear or open; `kind` is Telegram's name for it."""
        say = self.catalogue_for(language).gettext
        match kind:
            case "sticker" | "dice" | "game":
                return say("😊 What can I do for you?")
            case "photo":
                text = say("Thank you for the picture! I cannot look at pictures, though.")
            case "voice" | "audio":
                text = say("Thank you for the recording! I cannot listen to it, though.")
            case "video" | "video_note" | "animation":
                text = say("Thank you for the video! I cannot watch it, though.")
            case "document":
                text = say("Thank you for the file! I cannot open it, though.")
            case _:
                return self.unsupported(language)
        hint = say("Please tell me in words what it is about. If a person should look at it, write /human.")
        return f"{text}\n{hint}"

    def unsupported(self, language: str) -> str:
        """Say that only words are read."""
        return self.catalogue_for(language).gettext(
            "I cannot read this kind of message. Please tell me in words what it is about."
        )

    def edited(self, language: str) -> str:
        """Say that a changed message is not answered again."""
        return self.catalogue_for(language).gettext(
            "You changed a message that I have already read. If it makes a difference, please write it again."
        )

    def empty(self, language: str) -> str:
        """Answer a message without text."""
        return self.catalogue_for(language).gettext("Your message arrived without any text. What can I do for you?")

    def stale_button(self, language: str) -> str:
        """Say that a button is used up; at most 200 characters, as it is shown as a toast."""
        return self.catalogue_for(language).gettext("This button is no longer valid. Please ask me again.")

    def error(self, language: str) -> str:
        """Apologise for a fault of the bot's own."""
        return self.catalogue_for(language).gettext(
            "I am sorry, something went wrong on our side. Please write again in a moment."
        )
