"""Parcels: the topics `taobao_logistics_...`, from Taobao itself and through vv-tool.

Members as open.taobao.com/tmc.htm lists them (docType 9).
"""

from handlers.base import Event, Int, OptionalMoment, OptionalPersonal, OptionalText


class LogsticDetailTrace(Event):
    """A parcel went one step further. The name lacks an i on the wire too; `desc` may name places and people."""

    topic = "taobao_logistics_LogsticDetailTrace"

    tid: Int
    action: OptionalText = None
    desc: OptionalPersonal = None
    time: OptionalMoment = None
    company_name: OptionalText = None
    out_sid: OptionalPersonal = None
