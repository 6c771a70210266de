using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class AccentsTests
{
    [TestMethod]
    [DataRow("plain text, no accents [SEP]", "plain text, no accents [SEP]")]
    [DataRow("Café Ångström Łódź naïve", "Cafe Angstrom Łodz naive")]
    [DataRow("Cafe\u0301", "Cafe")]
    [DataRow("Việt Nam", "Viet Nam")]
    [DataRow("ἀρχή", "αρχη")]
    [DataRow("Йод ёлка", "Иод елка")]
    [DataRow("日本語", "日本語")]
    [DataRow("が≠\u212B", "か=A")]
    [DataRow("\uF900", "\u8C48")]
    [DataRow("한가", "\u1112\u1161\u11AB\u1100\u1161")]
    public void Letters_lose_their_marks(string text, string expected) => Assert.AreEqual(expected, Accents.Strip(text));
}
