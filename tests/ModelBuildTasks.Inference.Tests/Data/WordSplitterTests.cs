using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Inference.Tests.Data;

/// <summary>Expected are the words of BasicTokenizer in google-research/bert's tokenization.py, joined by spaces.</summary>
[TestClass]
public sealed class WordSplitterTests
{
    [TestMethod]
    [DataRow("the\tcat\nsat\r\non\rit", "the cat sat on it")]
    [DataRow("  a\u00a0b\u2003c\u3000d\u2028e ", "a b c d e")]
    [DataRow("\ufeffhe\u200bl\u0000l\u0007o\ufffd", "hello")]
    [DataRow("don't stop, now!", "don ' t stop , now !")]
    [DataRow("x=$1+2<3>4^5|6~7`8", "x = $ 1 + 2 < 3 > 4 ^ 5 | 6 ~ 7 ` 8")]
    [DataRow("«quoted»¿que?", "« quoted » ¿ que ?")]
    [DataRow("a€b ™ ©", "a€b ™ ©")]
    [DataRow("the cat😀 😀sat", "the cat😀 😀sat")]
    [DataRow("日本x語", "日 本 x 語")]
    [DataRow("中𠀀文", "中 𠀀 文")]
    [DataRow("Café ÜBER", "cafe uber")]
    [DataRow("[MASK] [mask]", "[MASK] [ mask ]")]
    [DataRow("a[SEP]b", "a [SEP] b")]
    [DataRow("a\ud800b", "ab")]
    [DataRow("", "")]
    [DataRow(" \t\n", "")]
    public void Text_becomes_words_and_single_signs(string text, string expected) => Assert.AreEqual(expected, new WordSplitter(lowerCase: true, ["[MASK]", "[SEP]"]).Split(text));

    [TestMethod]
    public void Case_and_accents_stay_where_they_matter() => Assert.AreEqual("Café , ÜBER", new WordSplitter(lowerCase: false, []).Split("Café, ÜBER"));
}
