using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class DatasetDescriptionTests
{
    [TestMethod]
    [DataRow("""{ "inputs": { "typo": { "scale": 2 } } }""", "'typo'", "x")]
    [DataRow("""{ "classes": ["cat", "dog", "cat"] }""", "'classes'", "'cat'")]
    [DataRow("""{ "split": 0.5 }""", "'split'", "line 1")]
    [DataRow("{\n\"split\": { \"from\": \"a\" } }", "'split.from'", "line 2")]
    [DataRow("""{ "color": "Green" }""", "'color'", "Rgb, Bgr, Gray")]
    [DataRow("""{ "colour": "RGB" }""", "'colour'", "no such field")]
    [DataRow("""{ "inputs": { "x": { "sale": 2 } } }""", "'sale'", "no such field")]
    [DataRow("""{ "tokenizer": { "text": "body" } }""", "'tokenizer'", "'vocabulary'")]
    [DataRow("""{ "scale": "1,000/2" }""", "'scale'", "quotient")]
    [DataRow("""{ "scale": """, "not JSON", "line 1")]
    public void Faults_are_told_in_the_words_of_the_file(string description, string first, string second)
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", "a\n1\n");
        folder.Describe(description);

        string message = TemporaryFolder.Fails(DatasetError.Description, () => folder.Open("data.csv", TemporaryFolder.Input("N", 1))).Message;

        StringAssert.Contains(message, first);
        StringAssert.Contains(message, second);
        Assert.IsFalse(message.Contains("ModelBuildTasks.Inference", StringComparison.Ordinal) || message.Contains("System.", StringComparison.Ordinal), message);
    }
}
