"""The methods of the Bot API about the bot itself: its updates, its files, its name and menus; one function each."""

from __future__ import annotations

from collections.abc import Mapping

from bot.simulator.chats import World
from bot.simulator.files import DOWNLOAD_LIMIT, StoredFile
from bot.simulator.methods import MESSAGE_METHODS, Json, Method, caption, deliver, replied, writable_chat
from bot.simulator.params import ApiError, Params, Upload, bad_request
from bot.simulator.profile import commands_of, language_of, scope_of, text_of
from bot.simulator.updates import POLL_LIMIT_S, WEBHOOK_ACTIVE, Update
from bot.simulator.webhook import Hook, check_secret, check_url


def get_me(world: World, params: Params) -> Json:
    """Describe the bot."""
    abilities = dict.fromkeys(
        (
            "can_join_groups",
            "can_read_all_group_messages",
            "supports_inline_queries",
            "can_connect_to_business",
            "has_main_web_app",
        ),
        False,
    )
    return world.bot | {"first_name": world.profile.name} | abilities | {"can_join_groups": True}


async def get_updates(world: World, params: Params) -> list[Update]:
    """Return the next updates, waiting for the first."""
    if world.hook is not None:
        raise ApiError(409, WEBHOOK_ACTIVE)
    world.updates.allow(params.nested("allowed_updates"))
    offset, limit = params.integer("offset"), params.integer("limit", 100, 1, 100)
    return await world.updates.poll(offset, limit, params.integer("timeout", 0, 0, POLL_LIMIT_S))


def set_webhook(world: World, params: Params) -> bool:
    """Deliver updates to an address from now on; an empty one goes back to polling."""
    url = params.text("url")
    if not url:
        return delete_webhook(world, params)
    check_url(url)
    secret = check_secret(params.text("secret_token"))
    world.updates.allow(params.nested("allowed_updates"))
    if params.flag("drop_pending_updates"):
        world.updates.clear()
    world.set_hook(Hook(url, secret, params.integer("max_connections", 40, 1, 100)))
    return True


def delete_webhook(world: World, params: Params) -> bool:
    """Go back to polling."""
    if params.flag("drop_pending_updates"):
        world.updates.clear()
    world.set_hook(None)
    return True


def get_webhook_info(world: World, params: Params) -> Json:
    """Describe the webhook."""
    info: Json = {"url": "", "has_custom_certificate": False, "pending_update_count": len(world.updates)}
    if world.hook is not None:
        info |= {"url": world.hook.url, "max_connections": world.hook.max_connections, "ip_address": "127.0.0.1"}
        info |= world.hook.last_error
    if world.updates.allowed is not None:
        info["allowed_updates"] = world.updates.allowed
    return info


def send_photo(world: World, params: Params) -> Json:
    """Send a JPEG or PNG: an upload, or a file id that is known already."""
    chat = writable_chat(world, params)
    content = _given(world, params, "photo")
    sizes = world.files.photo(content.content if isinstance(content, StoredFile) else content)
    if sizes is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    return deliver(world, chat, params, replied(chat, params) | {"photo": sizes} | caption(params))


def send_document(world: World, params: Params) -> Json:
    """Send any file: an upload, or a file id that is known already."""
    chat = writable_chat(world, params)
    stored = _given(world, params, "document")
    if isinstance(stored, bytes):
        upload = _upload(params, "document")
        name, kind = (upload.name, upload.content_type) if upload else ("", "")
        stored = world.files.add("documents", stored, name, kind)
    document = stored.described() | {"file_name": stored.name, "mime_type": stored.content_type}
    return deliver(world, chat, params, replied(chat, params) | {"document": document} | caption(params))


def get_file(world: World, params: Params) -> Json:
    """Return where a file can be fetched."""
    stored = world.files.get(params.text("file_id"))
    if stored is None:
        raise bad_request("invalid file_id")
    if len(stored.content) > DOWNLOAD_LIMIT:
        raise bad_request("file is too big")
    return stored.described() | {"file_path": stored.path}


def set_my_commands(world: World, params: Params) -> bool:
    """Set the menu of a scope and language."""
    key = scope_of(params), language_of(params)
    commands = commands_of(params)
    if commands:
        world.profile.commands[key] = commands
    else:
        world.profile.commands.pop(key, None)
    world.refresh_menus()
    return True


def get_my_commands(world: World, params: Params) -> list[Json]:
    """Return the menu of exactly this scope and language."""
    return world.profile.commands.get((scope_of(params), language_of(params)), [])


def delete_my_commands(world: World, params: Params) -> bool:
    """Remove the menu of a scope and language."""
    world.profile.commands.pop((scope_of(params), language_of(params)), None)
    world.refresh_menus()
    return True


def _setter(name: str) -> Method:
    def set_text(world: World, params: Params) -> bool:
        language, text = language_of(params), text_of(params, name)
        if name == "name" and not language:
            if not text:
                raise bad_request("BOT_TITLE_INVALID")
            world.profile.name = text
        world.profile.texts[name, language] = text
        return True

    return set_text


def _getter(name: str) -> Method:
    def get_text(world: World, params: Params) -> Json:
        texts = world.profile.texts
        default = texts.get((name, ""), world.profile.name if name == "name" else "")
        return {name: texts.get((name, language_of(params))) or default}

    return get_text


def log_out(world: World, params: Params) -> bool:
    """Agree, as there is nothing to log out of."""
    return True


def _given(world: World, params: Params, name: str) -> StoredFile | bytes:
    upload = _upload(params, name)
    if upload is not None:
        if not upload.content:
            raise bad_request("file must be non-empty")
        return upload.content
    given = params.text(name)
    if not given:
        raise bad_request(f"there is no {name} in the request")
    if given.startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content")
    stored = world.files.get(given)
    if stored is None:
        raise bad_request("wrong remote file identifier specified: can't unserialize it. Wrong string length")
    return stored


def _upload(params: Params, name: str) -> Upload | None:
    return params.files.get(params.text(name).removeprefix("attach://") or name)


METHODS: Mapping[str, Method] = {
    **MESSAGE_METHODS,
    "getMe": get_me,
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "getFile": get_file,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyName": _setter("name"),
    "getMyName": _getter("name"),
    "setMyDescription": _setter("description"),
    "getMyDescription": _getter("description"),
    "setMyShortDescription": _setter("short_description"),
    "getMyShortDescription": _getter("short_description"),
    "logOut": log_out,
    "close": log_out,
}
BY_LOWER_NAME: Mapping[str, tuple[str, Method]] = {name.lower(): (name, method) for name, method in METHODS.items()}
