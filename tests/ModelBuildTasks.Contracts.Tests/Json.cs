using System.Text.Json;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts.Tests;

[TestClass]
public sealed class Json
{
    [TestMethod]
    public void What_is_written_is_what_another_reader_reads()
    {
        const string text = "quote \" backslash \\ tab \t line \n NUL \0 größe 模型 \U0001F4A1";
        var written = new JsonWriter().Object(json => json
            .Add("text", text)
            .Add("nothing", (string?)null)
            .Add("number", 0.1)
            .Add("small", -1.5e-300)
            .Add("whole", long.MaxValue)
            .Add("flag", true)
            .Object("inner", inner => inner.Add("a", 1))
            .Object("absent", null)
            .Objects("list", ["x", "y"], (item, inner) => inner.Add("name", item))
            .Objects("empty", Array.Empty<string>(), (item, inner) => inner.Add("name", item))).ToString();

        using var document = JsonDocument.Parse(written);
        var root = document.RootElement;
        Assert.AreEqual(text, root.GetProperty("text").GetString());
        Assert.AreEqual(JsonValueKind.Null, root.GetProperty("nothing").ValueKind);
        Assert.AreEqual(0.1, root.GetProperty("number").GetDouble());
        Assert.AreEqual(-1.5e-300, root.GetProperty("small").GetDouble());
        Assert.AreEqual(long.MaxValue, root.GetProperty("whole").GetInt64());
        Assert.AreEqual(1, root.GetProperty("inner").GetProperty("a").GetInt32());
        Assert.AreEqual(JsonValueKind.Null, root.GetProperty("absent").ValueKind);
        CollectionAssert.AreEqual(new[] { "x", "y" }, root.GetProperty("list").EnumerateArray().Select(item => item.GetProperty("name").GetString()).ToArray());
        Assert.AreEqual(0, root.GetProperty("empty").GetArrayLength());
    }

    [TestMethod]
    public void What_another_writer_writes_is_read()
    {
        var json = JsonObject.Parse(JsonSerializer.Serialize(new
        {
            text = "ü \u2028 \\ / \" \b\f\n\r\t",
            number = 1e-7,
            whole = -42,
            flag = false,
            inner = new { list = new[] { new { name = "x" }, new { name = "y" } } },
            empty = new { },
        }));

        Assert.AreEqual("ü \u2028 \\ / \" \b\f\n\r\t", json.Text("text"));
        Assert.AreEqual(1e-7, json.Number("number"));
        Assert.AreEqual(-42, json.Integer("whole"));
        Assert.IsFalse(json.Flag("flag"));
        CollectionAssert.AreEqual(new[] { "x", "y" }, json.Object("inner")!.Objects("list").Select(item => item.Text("name")).ToArray());
        Assert.IsNull(json.Object("empty")!.Text("any"));
    }

    [TestMethod]
    [DataRow(double.PositiveInfinity)]
    [DataRow(double.NegativeInfinity)]
    [DataRow(double.NaN)]
    [DataRow(double.Epsilon)]
    [DataRow(0.1 + 0.2)]
    public void Every_double_comes_back(double value) =>
        Assert.AreEqual(value, JsonObject.Parse(new JsonWriter().Object(json => json.Add("x", value)).ToString()).Number("x"));

    [TestMethod]
    public void A_lone_surrogate_comes_back() =>
        Assert.AreEqual("\ud800", JsonObject.Parse(new JsonWriter().Object(json => json.Add("x", "\ud800")).ToString()).Text("x"));

    [TestMethod]
    [DataRow("")]
    [DataRow("[]")]
    [DataRow("{")]
    [DataRow("{ \"a\" }")]
    [DataRow("{ \"a\": }")]
    [DataRow("{ \"a\": 1, }")]
    [DataRow("{ \"a\": tru }")]
    [DataRow("{ \"a\": 1.2.3 }")]
    [DataRow("{ \"a\": \"unended }")]
    [DataRow("{ \"a\": \"\\q\" }")]
    [DataRow("{ \"a\": \"\\u12\" }")]
    [DataRow("{ \"a\": \"\n\" }")]
    [DataRow("{} {}")]
    [DataRow("{}\0")]
    public void What_is_no_json_object_is_refused(string text) => Assert.ThrowsExactly<InvalidDataException>(() => JsonObject.Parse(text));

    [TestMethod]
    public void Nesting_without_end_is_refused_and_not_followed() =>
        Assert.ThrowsExactly<InvalidDataException>(() => JsonObject.Parse("{\"a\":" + new string('[', 1_000_000)));

    [TestMethod]
    public void A_member_of_another_kind_is_refused_by_name()
    {
        var json = JsonObject.Parse("""{ "a": [1], "b": "x", "c": 1.5 }""");

        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => json.Text("a")).Message, "'a'");
        Assert.ThrowsExactly<InvalidDataException>(() => json.Objects("a"));
        Assert.ThrowsExactly<InvalidDataException>(() => json.Number("b"));
        Assert.ThrowsExactly<InvalidDataException>(() => json.Integer("c"));
        Assert.ThrowsExactly<InvalidDataException>(() => json.Flag("b"));
        Assert.ThrowsExactly<InvalidDataException>(() => json.Object("b"));
    }
}
