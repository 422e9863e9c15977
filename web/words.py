"""The words of the field for the values the packages below use: role, state, kind … → message id."""

from __future__ import annotations

from web.language import N_

ROLES = {
    "facilitator": N_("说事拉理员"),
    "mediator": N_("人民调解员"),
    "clerk": N_("记录员"),
    "lawyer": N_("律师"),
    "officer": N_("司法所干部"),
    "lead": N_("中心负责人"),
    "administrator": N_("管理员"),
    "auditor": N_("审计员"),
    "party": N_("当事人"),
}

LEVELS = {"city": N_("市"), "county": N_("县（区）"), "town": N_("乡镇（街道）"), "village": N_("村（社区）")}

# What `cases` finds in what was typed (`cases.texts`, `cases.passwords`).
PROBLEMS = {
    "required": N_("这里要填。"),
    "too-long": N_("太长了，请缩短一些。"),
    "too-short": N_("太短了，至少十个字。"),
    "control-characters": N_("里面有看不见的符号，请重新打一遍。"),
    "direction-marks": N_("里面有改变文字方向的符号，请重新打一遍。"),
    "bad-characters": N_("里面有显示不出来的字，请换一种写法。"),
    "not-a-name": N_("名字里有不该有的符号，只写名字就行。"),
    "not-a-phone": N_("这不像电话号码，请只写数字。"),
    "not-a-choice": N_("请从给出的里面选一个。"),
    "not-a-number": N_("请写数字。"),
    "not-a-credit-code": N_("统一社会信用代码是十八位，请对照执照再看看。"),
    "out-of-range": N_("这个数不合适，请再看看。"),
    "taken": N_("已经有一个同样的了，请换一个。"),
    "exclusive": N_("这个角色不能和他现在的角色兼任。"),
    "too-common": N_("这个密码太常见，容易被猜到，请换一个。"),
    "contains-login-name": N_("密码里不要带登录名。"),
    "not-a-login-name": N_("登录名用小写字母开头，后面可以有数字，至少三位。"),
    "not-a-minor": N_("十八岁以上不算未成年人，请再看看年龄。"),
    "too-many": N_("人太多了，最多二十位。"),
    "no-applicant": N_("还没有申请人，请把一位选成申请人。"),
    "no-respondent": N_("还没有被申请人，请把一位选成被申请人。"),
    "root-exists": N_("最上面的机构已经有了。"),
    "below-itself": N_("不能挂到自己下面。"),
    "too-deep": N_("层数太多了。"),
    "deactivated": N_("这个人已经停用了。"),
}

SIDES = {"applicant": N_("申请人"), "respondent": N_("被申请人"), "third": N_("第三人")}
PARTY_KINDS = {"person": N_("个人"), "organisation": N_("单位")}
SEXES = {"male": N_("男"), "female": N_("女")}
CAPACITIES = {"full": N_("能自己做主"), "minor": N_("未成年人"), "ward": N_("自己做不了主，有监护人")}
GUARDED = ("minor", "ward")
AUTHORITIES = {"general": N_("一般代理：只替他说话"), "special": N_("特别授权：可以替他让步、答应")}
CASE_LEVELS = {"village": N_("村里办，三天"), "town": N_("镇里办，七天"), "county": N_("县里办，十五天")}
URGENCIES = {"general": N_("一般，一周内"), "urgent": N_("急，马上办"), "complex": N_("复杂，一个月内")}

CATEGORIES = {
    "neighbours": N_("邻里"),
    "family": N_("婚姻家庭"),
    "inheritance": N_("继承"),
    "land": N_("土地承包"),
    "homestead": N_("宅基地"),
    "contract": N_("合同"),
    "debt": N_("欠钱"),
    "labour": N_("工钱和劳务"),
    "damage": N_("损坏赔偿"),
    "property-service": N_("物业"),
    "other": N_("其他"),
}
CHANNELS = {
    "visit": N_("本人上门"),
    "telephone": N_("打电话"),
    "kiosk": N_("说事拉理室"),
    "online": N_("网上"),
    "patrol": N_("走访发现"),
    "referred": N_("别的部门转来"),
}
STATES = {
    "filed": N_("已登记"),
    "accepted": N_("已受理"),
    "assigned": N_("有人办了"),
    "mediating": N_("正在调"),
    "signing": N_("等签字"),
    "agreed-orally": N_("口头谈成了"),
    "agreed-in-writing": N_("协议签好了"),
    "failed": N_("没谈成"),
    "withdrawn": N_("不调了"),
    "declined": N_("没受理"),
    "closed": N_("办结了"),
    "archived": N_("归档了"),
}
# kind of badge and icon: the colour never says it alone
STATE_LOOKS = {
    "filed": ("amber", "clock"),
    "accepted": ("amber", "clock"),
    "assigned": ("sky", "user"),
    "mediating": ("jade", "talk"),
    "signing": ("amber", "sign"),
    "agreed-orally": ("jade", "check"),
    "agreed-in-writing": ("jade", "check"),
    "failed": ("jujube", "warn"),
    "withdrawn": ("", "info"),
    "declined": ("", "info"),
    "closed": ("", "checkc"),
    "archived": ("", "doc"),
}
ENDINGS = {
    "agreement": N_("谈成了"),
    "settled-themselves": N_("双方自己说好了"),
    "unreachable": N_("联系不上"),
    "unwilling": N_("一方不愿意调"),
    "too-far-apart": N_("差得太远，谈不拢"),
    "time-expired": N_("时限到了"),
    "refused-to-sign": N_("谈好了又不签"),
    "other": N_("其他原因"),
}
SEAT_ROLES = {
    "host": N_("主持的调解员"),
    "party": N_("当事人"),
    "helper": N_("陪同人"),
    "lawyer": N_("律师，中立"),
    "clerk": N_("记录员"),
    "observer": N_("旁听"),
}

# The level a case begins at, by the level of the organisation that files it.
LEVEL_FIRST = {"village": "village", "town": "town", "county": "county", "city": "county"}
SEAT_STATES = {
    "invited": N_("还没到"),
    "lobby": N_("在等候室"),
    "admitted": N_("请进来了"),
    "connected": N_("在里面"),
    "dropped": N_("断线了，座位留着"),
    "left": N_("出去了"),
    "removed": N_("请出去了"),
    "retired": N_("结束了"),
}

# Lines of a case's time line.
EVENTS = {
    "file": N_("%(who)s登记了这件事。"),
    "edit": N_("%(who)s改了登记的内容。"),
    "accept": N_("%(who)s受理了。"),
    "decline": N_("%(who)s没有受理，并告诉了别的办法。"),
    "settle": N_("%(who)s当场调好了。"),
    "assign": N_("%(who)s安排了调解员。"),
    "involve": N_("%(who)s请了一个人参加。"),
    "dismiss": N_("%(who)s让一个人退出了。"),
    "begin": N_("开始调解。"),
    "escalate": N_("%(who)s转给了上一级。"),
    "supervise": N_("%(who)s督办了一次。"),
    "agree-orally": N_("双方口头说好了。"),
    "draft": N_("%(who)s写好了协议书。"),
    "amend": N_("%(who)s改了协议书，签过的都作废。"),
    "sign": N_("双方都签了字。"),
    "fail": N_("没有谈成，告诉了双方别的办法。"),
    "withdraw": N_("不调了。"),
    "rate": N_("当事人打了分。"),
    "close": N_("%(who)s办结了。"),
    "archive": N_("%(who)s归档了。"),
    "visit": N_("%(who)s回访了。"),
    "reopen": N_("%(who)s重新办起来了。"),
    "sitting.open": N_("%(who)s开了一场调解会。"),
    "record.attach": N_("录音录像封存好了。"),
    "other": N_("%(who)s记了一笔。"),
}
HOUSE = N_("系统")

# What may be done with a case from its page, besides the next step.
STEPS = {
    "accept": N_("受理"),
    "decline": N_("不受理"),
    "assign": N_("安排调解员"),
    "escalate": N_("转上级调解"),
    "supervise": N_("督办"),
    "agree-orally": N_("口头谈成了，写下说好的"),
    "draft": N_("要写书面协议"),
    "amend": N_("改协议"),
    "sign": N_("都签好了"),
    "fail": N_("没谈成"),
    "withdraw": N_("当事人不调了"),
    "rate": N_("记下当事人的评价"),
    "close": N_("办结"),
    "archive": N_("归档"),
    "visit": N_("写回访"),
    "reopen": N_("重新办"),
}
SCREEN = N_("给大家看的画面")

# Why a stretch of a record was not captured: wanted by somebody ("agreed"), or not ("fault"). The length is filled in.
GAP_CAUSES = {
    "refusal": ("agreed", N_("有人不同意录，未录 %(length)s")),
    "withdrawal": ("agreed", N_("有人不让录了，未录 %(length)s")),
    "unasked": ("agreed", N_("有人还没答录不录，未录 %(length)s")),
    "stranger": ("agreed", N_("有人进来还没答，未录 %(length)s")),
    "not-granted": ("agreed", N_("还没有开始录，未录 %(length)s")),
    "break": ("agreed", N_("歇一会儿，未录 %(length)s")),
    "host": ("agreed", N_("调解员停了录制，未录 %(length)s")),
    "caucus": ("agreed", N_("单独谈，未录 %(length)s")),
    "lapsed": ("fault", N_("录制的许可中断了，未录 %(length)s")),
    "node-lost": ("fault", N_("视频服务断了，未录 %(length)s")),
    "process-killed": ("fault", N_("视频服务断了，未录 %(length)s")),
    "disk-full": ("fault", N_("存不下了，未录 %(length)s")),
    "write-error": ("fault", N_("没有写进去，未录 %(length)s")),
    "capture-failed": ("fault", N_("录制出了故障，未录 %(length)s")),
    "overflow": ("fault", N_("来不及写，丢了 %(length)s")),
    "loss": ("fault", N_("线路断续，丢了 %(length)s")),
}
GAP_UNKNOWN = ("fault", N_("没有录到 %(length)s"))

# Lines of the list of views (查看记录).
ACTS = {
    "case.read_content": N_("看了这件事的内容"),
    "record.play": N_("看了录音录像"),
    "record.verify": N_("核验了录音录像，未被改动"),
    "record.verify.failed": N_("核验了录音录像，发现改动"),
    "case.file": N_("登记"),
    "case.edit": N_("改了登记的内容"),
    "case.accept": N_("受理"),
    "case.assign": N_("安排了调解员"),
    "case.begin": N_("开始调解"),
    "case.close": N_("办结"),
    "case.agree-orally": N_("写下口头协议"),
    "case.involve": N_("请人参加"),
    "case.record.attach": N_("封存了录音录像"),
    "case.sitting.open": N_("开了调解会"),
    "sitting.open": N_("开了调解会"),
    "sitting.close": N_("结束了调解会"),
    "sitting.invite": N_("请人来"),
    "sitting.uninvite": N_("收回了邀请"),
    "sitting.enter": N_("进了调解会"),
    "sitting.admit": N_("请人进来"),
    "sitting.send-back": N_("请人回等候室"),
    "sitting.remove": N_("请人出去"),
    "sitting.mute": N_("静音了别人"),
    "sitting.rest": N_("歇一会儿"),
    "sitting.go-on": N_("接着谈"),
    "sitting.seal": N_("封存"),
    "sitting.lock": N_("锁了门"),
    "sitting.unlock": N_("开了门"),
    "recording.ask": N_("问大家录不录"),
    "recording.start": N_("开始录"),
    "recording.stop": N_("停止录"),
    "attendee.come": N_("来了一个人"),
    "attendee.go": N_("走了一个人"),
    "attendee.rename": N_("改了名字"),
    "consent.yes": N_("同意录"),
    "consent.no": N_("不同意录"),
    "consent.withdrawn": N_("收回了同意"),
}
ACT_OTHER = N_("办了一步")
INTACT = N_("未被改动，%(time)s 核验")
ALTERED = N_("被改动过，%(time)s 核验")
