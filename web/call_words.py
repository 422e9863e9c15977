"""The sentences the call's scripts say by themselves, by the name they ask for. Placeholders are written {name}.

They go into the page once, in the reader's language; scripts hold no sentence of their own.
"""

from __future__ import annotations

from web.language import N_, translations

WORDS: dict[str, str] = {
    # the device check
    "camera.good": N_("画面清楚"),
    "camera.wait": N_("正在看镜头……"),
    "camera.none": N_("没有画面"),
    "camera.off": N_("只用声音"),
    "camera.nameless": N_("镜头"),
    "camera.turn-on": N_("开镜头"),
    "camera.turn-off": N_("关镜头"),
    "microphone.good": N_("声音清楚"),
    "microphone.wait": N_("等您说一句"),
    "microphone.none": N_("没有声音"),
    "microphone.nameless": N_("话筒"),
    "microphone.turn-on": N_("开话筒"),
    "microphone.turn-off": N_("静音"),
    "dark.wait": N_("正在打开镜头……"),
    "dark.off": N_("镜头关着，只用声音"),
    "dark.none": N_("没有画面也能进去说话"),
    "advice.unsupported.title": N_("这个浏览器不能视频"),
    "advice.unsupported.text": N_(
        "请换一个浏览器打开这个链接；在微信里，点右上角三个点，选“在浏览器打开”。也可以打下面的电话参加。"
    ),
    "advice.insecure.title": N_("这个网址不能用镜头和话筒"),
    "advice.insecure.text": N_("网址要以 https 开头才行。请重新扫码，或者打下面的电话参加。"),
    "advice.both.missing.title": N_("没有找到镜头和话筒"),
    "advice.both.missing.text": N_("请插上再试。您也可以先进去，听大家说，用写字来答。"),
    "advice.both.refused.title": N_("没有允许用镜头和话筒"),
    "advice.both.refused.text": N_("请点网址左边的小锁，把镜头和话筒改成“允许”，再按“再试一次”。"),
    "advice.both.busy.title": N_("镜头和话筒被占着"),
    "advice.both.busy.text": N_("请关掉别的正在视频或录音的软件，再按“再试一次”。"),
    "advice.microphone.missing.title": N_("没有找到话筒"),
    "advice.microphone.missing.text": N_("请插上耳机或话筒再试。没有话筒也能进去，听大家说，用写字来答。"),
    "advice.microphone.refused.title": N_("没有允许用话筒"),
    "advice.microphone.refused.text": N_("请点网址左边的小锁，把话筒改成“允许”，再按“再试一次”。"),
    "advice.microphone.busy.title": N_("话筒被占着"),
    "advice.microphone.busy.text": N_("请关掉别的正在录音的软件，再按“再试一次”。"),
    "advice.camera.missing.title": N_("没有找到镜头"),
    "advice.camera.missing.text": N_("没有镜头也能说事，用声音就行。要露面的话，请插上镜头再试。"),
    "advice.camera.refused.title": N_("没有允许用镜头"),
    "advice.camera.refused.text": N_(
        "不露面也行，用声音一样说事。想露面，请点网址左边的小锁，把镜头改成“允许”，再按“再试一次”。"
    ),
    "advice.camera.busy.title": N_("镜头被占着"),
    "advice.camera.busy.text": N_("请关掉别的正在视频的软件，再按“再试一次”。用声音也能进去。"),
    # the lobby
    "waited.now": N_("您刚到。"),
    "waited.minutes": N_("您等了 {n} 分钟。"),
    "waited.order": N_("前面还有 {n} 位。"),
    # why a page is out
    "over.title": N_("您现在不在调解会里"),
    "over.elsewhere.title": N_("您在另一个页面进去了"),
    "over.elsewhere.text": N_("同一个座位只能开一处。想在这里接着说，请按下面的按钮，那一处会自己退出。"),
    "over.elsewhere.again": N_("在这里接着说"),
    "over.left.title": N_("您已经挂断了"),
    "over.left.text": N_("座位给您留十分钟，按一下就回去。"),
    "over.left.again": N_("回去接着说"),
    "over.ticket-ended.title": N_("这次调解会结束了"),
    "over.ticket-retired.title": N_("您在另一台设备进去了"),
    "over.sitting-locked.title": N_("门锁着"),
    "over.sitting-locked.again": N_("再敲一次门"),
    "over.sitting-ended.title": N_("这次调解会结束了"),
    "over.seat-removed.title": N_("调解员请您先出去了"),
    # seats
    "seat.you": N_("您自己"),
    "seat.off": N_("镜头关了，声音还在"),
    "seat.dark": N_("画面没有了，声音还在"),
    "seat.own-off": N_("您的镜头关着"),
    "seat.own-none": N_("您没有画面"),
    "seat.away": N_("掉线了，正在接回来"),
    "seat.wait": N_("正在接画面……"),
    "seat.still": N_("网络不好，画面停住"),
    "seat.screen": N_("共享的屏幕"),
    "seat.picture": N_("{name}的画面"),
    "seat.enlarge": N_("放大看：{name}"),
    # the network, breaks, what was written
    "line.joining": N_("正在接通……"),
    "line.away": N_("网络断了，正在接回来。座位给您留着，不用按什么。"),
    "line.pages": N_("写字、举手暂时用不了，说话不受影响。"),
    "line.weak": N_("您的网络有点慢。"),
    "line.bad": N_("您的网络不好，先保声音，画面停一会儿。"),
    "rest": N_("大家歇一会儿，还有 {n} 分钟。"),
    "said": N_("{name}：{text}"),
    "chat.who": N_("{name}："),
    "board.by": N_("{name}写的"),
    "failed": N_("没有做成，请再按一次。"),
    # what screen readers hear
    "say.in": N_("您已经在调解会里了。"),
    "say.lost": N_("网络断了，正在接回来。"),
    "say.came": N_("{name}进来了。"),
    "say.left": N_("{name}离开了。"),
    # the host
    "waiting.count": N_("等候室有 {n} 位在等"),
    "waiting.name": N_("{name}在等候室"),
    "waiting.admit": N_("请进来：{name}"),
    "may.mute": N_("静音"),
    "may.send_back": N_("请回等候室"),
    "may.remove": N_("请他出去"),
    "sure.remove": N_("{name}会离开，这次不能再进来。要是只想让他等一等，请用“请回等候室”。"),
    "invite.say": N_("告诉{name}这个号码，或者让他扫码："),
    "lock.off": N_("锁门，不再进人"),
    "lock.on": N_("门锁着，打开"),
    "record.start": N_("开始录制"),
    "record.stop": N_("停止录制"),
}


def words(language: str) -> dict[str, str]:
    """All sentences in `language`."""
    gettext = translations(language).gettext
    return {name: gettext(sentence) for name, sentence in WORDS.items()}
