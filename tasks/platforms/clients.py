"""The client for each kind of gateway."""

from tasks.accounts import Gateway, QianmiGateway, TaobaoGateway, VvtoolGateway
from tasks.platforms.base import Client
from tasks.platforms.qianmi import QianmiClient
from tasks.platforms.taobao import TaobaoClient
from tasks.platforms.vvtool import VvtoolClient


def client_for(gateway: Gateway) -> Client:
    """The client for a gateway, with the credentials that it holds now."""
    match gateway:
        case QianmiGateway():
            return QianmiClient(gateway)
        case TaobaoGateway():
            return TaobaoClient(gateway)
        case VvtoolGateway():
            return VvtoolClient(gateway)
