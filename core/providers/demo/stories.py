"""The two short stories that the voice `story` tells."""

from __future__ import annotations

from typing import Final

ENGLISH: Final = """\
The Ferryman's Bell

At the bend of a wide river lived a ferryman who had never learnt a foreign language. Travellers came to his bank from \
everywhere, and each called across the water in words of their own. So he hung a bell on a post and painted one line \
beneath it: ring once, and I will come.

A merchant rang and was carried over with his silk. A student rang, half asleep, and was carried over with her books. \
One night a storm broke the rope in the middle of the river. The ferryman did not pretend that they had arrived. He \
held the lantern high, told his passenger exactly how far they had come, and rowed back to try again.

"You could have put me down on the island," she said when they reached the shore at dawn. "I would not have known the \
difference in the dark."

"You would have known it in the morning," said the ferryman, and hung the wet rope up to dry.

Since then people there say of anything that can be relied upon: it has a bell, a lantern, and an honest rope.
"""

CHINESE: Final = """\
渡口的铃

大河转弯的地方住着一位摆渡人。来往的旅客说着各地的话，他一句也听不懂。于是他在木桩上挂了一只铃，又在铃下写了一行字：摇一下，我就来。

商人摇了铃，带着丝绸过了河；学生摇了铃，抱着书打着瞌睡过了河。有一夜起了风暴，缆绳在河心断了。摆渡人没有假装已经靠岸。他举高灯笼，告诉船上的姑娘走到了哪里，然后掉转船头，再来一次。

天亮时他们终于到了对岸。姑娘说：“昨夜你把我放在沙洲上，黑暗里我也分不出来。”

“到了早晨，你就分得出来了。”摆渡人说着，把湿缆绳挂起来晾干。

从此，那一带的人夸一样东西可靠，就说它有铃，有灯，还有一根老实的缆绳。
"""
