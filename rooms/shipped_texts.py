"""The recording question as shipped: a template. A bureau writes its own version with `consents.publish`.

It says what is recorded, why, who may play it, how long it is kept, and that "no" costs nothing (Personal Information
Protection Law, arts. 14–17 and 29). A change of the wording needs a new version name.
"""

from __future__ import annotations

RECORDING_VERSION = "recording-2026-1"

RECORDING_ZH = """我们想把这次调解会的声音和画面录下来。
为什么录：把大家说的话记准，以后有争议可以查对。
谁能看：参加这次会的当事人和承办这件事的调解员。每一次播放都会记下是谁、为了什么。
怎么保存：会后马上封存，谁也改不了；按档案规定的年限保存，到期删除。
您可以不同意。不同意就不录，调解照常进行，对您没有任何不好的影响。
您也可以随时改主意，说一声或按一下就停。
在场的每个人都要自己回答；有一个人不同意，就不录。
您同意录音录像吗？"""

RECORDING_EN = """We would like to record sound and picture of this sitting.
Why: to keep exactly what was said, so that it can be checked if there is a dispute later.
Who may see it: the parties who took part and the mediators in charge. Each playback is noted, with who and why.
How it is kept: sealed right after the sitting, nobody can change it; kept for the period set for such files, then deleted.
You may say no. Then nothing is recorded, the mediation goes on, and it has no disadvantage for you.
You may change your mind at any time: say so or press once, and it stops.
Everyone present answers for themselves; if one person says no, nothing is recorded.
Do you agree to the recording?"""
