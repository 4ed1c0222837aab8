"""What Slack sends, read strictly enough to act on and no further; the shapes are Slack's own."""

from typing import Annotated, Literal
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from incidents.adapters.slack.escape import clean, plain

_MOST_FIELDS = 50
Short = Annotated[str, StringConstraints(max_length=300)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern="^[A-Za-z0-9]+$")]


class Malformed(Exception):
    """Signed by Slack, and still nothing that we can read; says what."""


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class User(_Told):
    id: Name


class Pressed(_Told):
    action_id: Short
    value: Short | None = None
    action_ts: Short = ""


class Container(_Told):
    message_ts: Short = ""


class BlockActions(_Told):
    type: Literal["block_actions"]
    user: User
    actions: Annotated[tuple[Pressed, ...], Field(min_length=1, max_length=25)]
    container: Container = Container()
    trigger_id: Short = ""
    response_url: str = ""


class Option(_Told):
    value: Short


class Answer(_Told):
    value: Annotated[str, StringConstraints(max_length=3_000)] | None = None
    selected_option: Option | None = None
    selected_options: Annotated[tuple[Option, ...], Field(max_length=10)] = ()


class State(_Told):
    values: dict[str, dict[str, Answer]] = {}

    def text(self, name: str) -> str | None:
        """What was typed into the field `name`, if anything was."""
        typed = self.values.get(name, {}).get(name)
        return (clean(typed.value).strip() or None) if typed and typed.value else None

    def choice(self, name: str) -> str | None:
        """What was chosen in the field `name`, if anything was."""
        chosen = self.values.get(name, {}).get(name)
        return chosen.selected_option.value if chosen and chosen.selected_option else None

    def ticked(self, name: str) -> bool:
        """Whether the one box of the field `name` was ticked."""
        boxes = self.values.get(name, {}).get(name)
        return bool(boxes and any(one.value == name for one in boxes.selected_options))


class View(_Told):
    id: Short
    hash: Short = ""
    callback_id: Short = ""
    private_metadata: Short = ""
    state: State = State()


class ViewSubmission(_Told):
    type: Literal["view_submission"]
    user: User
    view: View


class Command(_Told):
    user_id: Name
    text: Short = ""


class Happened(_Told):
    """An event, or Slack's question whether this address is ours."""

    type: Short
    challenge: Short | None = None


Interaction = BlockActions | ViewSubmission


def interaction(body: bytes) -> Interaction | None:
    """A click or a filled form; None for the kinds that we have no use for."""
    payload = _form(body).get("payload", "")
    try:
        kind = Happened.model_validate_json(payload).type
        match kind:
            case "block_actions":
                return BlockActions.model_validate_json(payload)
            case "view_submission":
                return ViewSubmission.model_validate_json(payload)
            case _:
                return None
    except ValidationError as error:
        raise Malformed(_where(error)) from None


def command(body: bytes) -> Command:
    try:
        return Command.model_validate(_form(body))
    except ValidationError as error:
        raise Malformed(_where(error)) from None


def happened(body: bytes) -> Happened:
    try:
        return Happened.model_validate_json(body)
    except ValidationError as error:
        raise Malformed(_where(error)) from None


def _form(body: bytes) -> dict[str, str]:
    try:
        read = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise Malformed("the body is no form") from None
    return {name: values[0] for name, values in read.items()}


def _where(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(step) for step in first["loc"]) or "payload"
    return plain(f"{place}: {first['msg']}", 200)
