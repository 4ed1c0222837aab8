"""One table for everything Slack can answer: sent again, never, to somebody else, or asked about first."""

import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from incidents.flow.ports import NotSent, Refused, Unknown

Trouble = NotSent | Refused | Unknown

PATIENCE = timedelta(seconds=30)  # when Slack says "slow down" and not for how long

# The person cannot be reached: the words follow the person's name.
ABSENT: Mapping[str, str] = MappingProxyType(
    {
        "user_not_found": "is not known in Slack",
        "users_not_found": "is not known in Slack by that e-mail address",
        "user_disabled": "is deactivated in Slack",
        "is_inactive": "is deactivated in Slack",
        "user_not_visible": "cannot be seen by the bot in Slack",
        "cannot_dm_bot": "is a bot in Slack",
        "cannot_dm_self": "is the bot itself in Slack",
    }
)

_BOT = "Slack does not accept the bot token"
_SCOPE = "the Slack app lacks a permission"
_RULE = "a rule of the Slack workspace forbids it"
_FORM = "Slack does not accept the form of the message"
_LONG = "the message is too long for Slack"

# Slack has refused for good: a person has to change something first.
FOREVER: Mapping[str, str] = MappingProxyType(
    {
        "not_authed": _BOT,
        "invalid_auth": _BOT,
        "token_revoked": f"{_BOT}: it was revoked",
        "token_expired": f"{_BOT}: it has expired",
        "account_inactive": f"{_BOT}: the bot or its workspace was removed",
        "not_allowed_token_type": f"{_BOT}: a token that begins with xoxb- is needed",
        "two_factor_setup_required": _BOT,
        "org_login_required": _BOT,
        "ekm_access_denied": _RULE,
        "access_denied": _SCOPE,
        "missing_scope": _SCOPE,
        "no_permission": _SCOPE,
        "channel_not_found": "Slack knows no such channel, or it is private and the bot was not invited",
        "not_in_channel": "the bot was not invited to the channel in Slack",
        "is_archived": "the channel is archived in Slack",
        "method_not_supported_for_channel_type": "Slack does not allow this in a channel of this kind",
        "thread_not_found": "the message it belongs under is gone from Slack",
        "message_not_found": "the message is gone from Slack",
        "cant_update_message": "Slack does not let the bot change this message",
        "edit_window_closed": "the message is too old for Slack to change",
        "cannot_reply_to_message": "Slack allows no reply to this message",
        "messages_tab_disabled": "the Slack app may not write to people: turn its messages tab on",
        "restricted_action": _RULE,
        "restricted_action_read_only_channel": _RULE,
        "restricted_action_thread_only_channel": _RULE,
        "restricted_action_non_threadable_channel": _RULE,
        "restricted_action_thread_locked": _RULE,
        "enterprise_is_restricted": _RULE,
        "team_access_not_granted": _RULE,
        "as_user_not_supported": _FORM,
        "no_text": _FORM,
        "invalid_blocks": _FORM,
        "invalid_blocks_format": _FORM,
        "invalid_arguments": _FORM,
        "invalid_arg_name": _FORM,
        "invalid_array_arg": _FORM,
        "invalid_charset": _FORM,
        "invalid_form_data": _FORM,
        "invalid_json": _FORM,
        "invalid_post_type": _FORM,
        "invalid_metadata_format": _FORM,
        "invalid_metadata_schema": _FORM,
        "metadata_must_be_sent_from_app": _FORM,
        "metadata_too_large": _FORM,
        "msg_too_long": _LONG,
        "msg_blocks_too_long": _LONG,
        "unknown_method": "there is no Slack at the configured address",
        "deprecated_endpoint": "Slack has retired this call",
        "method_deprecated": "Slack has retired this call",
        "invalid_view": _FORM,
        "expired_trigger_id": "the click is too old for Slack to open a form",
        "exchanged_trigger_id": "the click was used already",
        "invalid_trigger_id": "Slack does not know the click",
    }
)

# Slack has surely not taken it, and will later.
LATER: Mapping[str, str] = MappingProxyType(
    {
        "ratelimited": "Slack asks for patience",
        "rate_limited": "Slack asks for patience",
        "message_limit_exceeded": "the workspace has posted too much for now",
        "accesslimited": "Slack limits access for now",
        "team_added_to_org": "the Slack workspace is being moved",
        "request_timeout": "Slack did not receive the whole message",
    }
)

# What Slack may have taken although it answers with an error.
DOUBTFUL = frozenset({"internal_error", "fatal_error", "service_unavailable"})

# A message that Slack would take in plain text.
TOO_RICH = frozenset({"msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format"})

# A message that cannot be brought up to date any more.
NOT_TO_REFRESH = frozenset(
    {
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "channel_not_found",
        "is_archived",
        "not_in_channel",
    }
)

_CODE = re.compile("[a-z0-9_]{1,60}")


def judge(code: str, after: timedelta | None = None) -> Trouble:
    """What Slack's error `code` means for a message. One that is not known means: ask before sending again."""
    if code in ABSENT:
        return Refused(ABSENT[code], absent=True)
    if code in FOREVER:
        return Refused(f"{FOREVER[code]} ({code})")
    if code in LATER:
        return NotSent(LATER[code], after=after or PATIENCE)
    known = code if _CODE.fullmatch(code) else "no code"
    return Unknown(f"Slack answered with an error of its own ({known})")
