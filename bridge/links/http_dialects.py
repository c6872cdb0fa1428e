"""What the configuration says of a provider's HTTP account, as the dialect that speaks for it. Pure."""

from bridge.config.settings import (
    AnswerSettings,
    CallbackFormSettings,
    HttpSettings,
    MessageSettings,
    ProviderSettings,
    ReceiptSettings,
    RequestSettings,
)
from bridge.dialects.generic_answer import AnswerForm
from bridge.dialects.generic_callback import CallbackForm, MessageForm, ReceiptForm
from bridge.dialects.generic_http import GenericHttp
from bridge.dialects.generic_request import RequestForm
from bridge.dialects.genesys_http import GenesysHttp
from bridge.dialects.http import HttpDialect


def http_dialect(provider: ProviderSettings) -> HttpDialect:
    """How this provider's account speaks. `provider` has an HTTP side."""
    http = provider.http
    assert http is not None  # noqa: S101
    if http.request is not None:
        return GenericHttp(
            request=_request(http, http.request),
            answer=_answer(http.answer or AnswerSettings()),
            callback=_callback(http.callback),
        )
    return GenesysHttp(
        login=http.login or "",
        password=_password(http),
        mms_names=http.mms_names,
        final_states=frozenset(provider.smpp.final_states if provider.smpp else ()),
    )


def _password(http: HttpSettings) -> str:
    return http.password.get_secret_value() if http.password else ""


def _request(http: HttpSettings, request: RequestSettings) -> RequestForm:
    return RequestForm(
        method=request.method,
        path=request.path,
        headers=request.headers,
        auth=request.auth,
        format=request.format,
        fields=request.fields,
        login=http.login or "",
        password=_password(http),
    )


def _answer(answer: AnswerSettings) -> AnswerForm:
    return AnswerForm(
        accepted=frozenset(answer.accepted),
        format=answer.format,
        id=answer.id,
        result=answer.result,
        results=answer.results,
        statuses=answer.statuses,
        error=answer.error,
    )


def _callback(callback: CallbackFormSettings | None) -> CallbackForm:
    if callback is None:
        return CallbackForm()
    return CallbackForm(
        receipt=_receipt(callback.receipt) if callback.receipt else None,
        message=_message(callback.message) if callback.message else None,
    )


def _receipt(receipt: ReceiptSettings) -> ReceiptForm:
    return ReceiptForm(
        when=receipt.when,
        id=receipt.id,
        state=receipt.state,
        states=receipt.states,
        error=receipt.error,
        from_=receipt.from_,
        to=receipt.to,
        done_at=receipt.done_at,
    )


def _message(message: MessageSettings) -> MessageForm:
    return MessageForm(
        when=message.when, id=message.id, from_=message.from_, to=message.to, text=message.text
    )
