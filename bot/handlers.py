"""Makes the workers and what sees to their tasks: the desk for questions, handlers for the rest."""

from __future__ import annotations

from .asking import Asking
from .channel_settings import ChannelSettingsHandler
from .desk import Desk, DeskTools
from .escalation import EscalationHandler
from .feedback import VoteHandler
from .hearing import Hearing
from .parts import HandlerTools, Knowledge
from .permissions import AdminCheck
from .resolution import ResolutionHandler
from .retrying import Pace
from .shares import Shares
from .sharing import ShareHandler
from .small_print import SmallPrint
from .tasks import Handler, TaskKind
from .waiting_room import WaitingRoom
from .workers import Workers


def make_desk(
    tools: HandlerTools, knowledge: Knowledge, asking: Asking, hearing: Hearing, pace: Pace
) -> Desk:
    """Make the handler of questions."""
    small_print = SmallPrint(
        hearing, live_meta=knowledge.live_meta, stale_after_days=tools.slack.stale_after_days
    )
    return Desk(
        DeskTools(
            asking=asking,
            inbox=tools.store.inbox,
            conversations=tools.store.conversations,
            policy=tools.policy,
            delivery=tools.delivery,
            small_print=small_print,
            can_escalate=tools.can_escalate,
            pace=pace,
        )
    )


def make_workers(
    tools: HandlerTools, desk: Desk, admin_check: AdminCheck, asking: Asking, pace: Pace
) -> Workers:
    """Make what works tasks off, each with its handler."""
    store = tools.store
    return Workers(
        store.inbox,
        {TaskKind.QUESTION: desk, **_make_handlers(tools, admin_check)},
        waiting_room=WaitingRoom(
            tools.delivery, tools.policy, ahead=lambda: asking.waiting, pace=pace
        ),
        chores=(store.inbox.prune, store.conversations.prune),
        pace=pace,
    )


def _make_handlers(tools: HandlerTools, admin_check: AdminCheck) -> dict[TaskKind, Handler]:
    """Make the handlers of everything but questions."""
    conversations = tools.store.conversations
    votes = VoteHandler(
        client=tools.client,
        membership=tools.membership,
        conversations=conversations,
        feedback_log=tools.feedback_log,
    )
    shares = ShareHandler(
        client=tools.client,
        conversations=conversations,
        shares=Shares(tools.store.database),
        policy=tools.policy,
        delivery=tools.delivery,
        audit=tools.audit,
        bot_user=tools.identity.bot_user_id,
        can_escalate=tools.can_escalate,
    )
    escalations = EscalationHandler(
        client=tools.client,
        conversations=conversations,
        delivery=tools.delivery,
        policy=tools.policy,
        channel=tools.slack.escalation_channel,
        group=tools.slack.escalation_group,
    )
    return {
        TaskKind.VOTE: votes,
        TaskKind.SHARE: shares,
        TaskKind.ESCALATION: escalations,
        TaskKind.CHANNEL_RULES: ChannelSettingsHandler(
            rules=tools.store.rules,
            admin_check=admin_check,
            audit=tools.audit,
            delivery=tools.delivery,
            usergroup=tools.slack.admin_usergroup,
        ),
        TaskKind.RESOLUTION: ResolutionHandler(
            client=tools.client,
            conversations=conversations,
            delivery=tools.delivery,
            membership=tools.membership,
            channel=tools.slack.escalation_channel,
        ),
    }
