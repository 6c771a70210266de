using ModelBuildTasks.Contracts.Locking;

namespace ModelBuildTasks.Contracts.Tests.Locking;

[TestClass]
public sealed class LockFiles
{
    [TestMethod]
    public void Reads_as_a_person_would_write_it()
    {
        var file = new ModelLock();
        file.Set("digits", "cpu", Locked.Entry(request =>
        {
            request.Settings.Precision = Precision.Int8;
            request.Budgets.MaxAccuracyDrop = 0.005;
        }));

        Assert.AreEqual("""
            {
              "version": 1,
              "models": {
                "digits": {
                  "cpu": {
                    "source": "5000",
                    "settings": {
                      "MaxAccuracyDrop": "0.005",
                      "Precision": "Int8"
                    },
                    "plan": [
                      "simplification",
                      "static int8 quantization"
                    ],
                    "recipe": {
                      "precision": "Int8",
                      "quantization": "Static",
                      "floatNodes": [
                        "scores"
                      ]
                    },
                    "artifact": "a000",
                    "size": 1000,
                    "accuracy": {
                      "value": 0.986,
                      "metric": "Top1",
                      "samples": 1000,
                      "drop": 0.001,
                      "dropLow": 0,
                      "dropHigh": 0.003
                    },
                    "latency": {
                      "ratio": 0.4,
                      "low": 0.39,
                      "high": 0.41,
                      "processor": "Some Processor (X64)",
                      "threads": 1
                    }
                  }
                }
              }
            }

            """.ReplaceLineEndings("\n"), file.ToJson());
    }

    [TestMethod]
    public void What_was_not_measured_takes_no_line()
    {
        var file = new ModelLock();
        file.Set("digits", "cpu", Locked.Entry(result: result =>
        {
            (result.Optimized!.Accuracy, result.AccuracyDrop) = (null, null);
            result.LatencyRatio = new LatencyRatio { Reason = "there is no GPU" };
        }));

        Assert.DoesNotContain("accuracy", file.ToJson());
        Assert.DoesNotContain("latency", file.ToJson());
        Assert.DoesNotContain("compressed", file.ToJson());
    }

    [TestMethod]
    public void Order_is_ordinal_by_model_and_then_target_whatever_came_first()
    {
        var (one, other) = (new ModelLock(), new ModelLock());
        (string, string)[] entries = [("b", "cpu-x64"), ("Z", "cpu"), ("a", "cpu"), ("b", "cpu"), ("b", "cpu-arm64")];
        Array.ForEach(entries, entry => one.Set(entry.Item1, entry.Item2, Locked.Entry()));
        Array.ForEach([.. entries.Reverse()], entry => other.Set(entry.Item1, entry.Item2, Locked.Entry()));

        Assert.AreEqual(one.ToJson(), other.ToJson());
        CollectionAssert.AreEqual(new[] { "Z cpu", "a cpu", "b cpu", "b cpu-arm64", "b cpu-x64" }, one.Entries.Select(entry => $"{entry.Model} {entry.Target}").ToArray());
    }

    [TestMethod]
    public void Comes_back_as_it_was_written()
    {
        var file = new ModelLock();
        file.Set("größe \"1\"", "cpu", Locked.Entry(request => request.Compress = true, result =>
        {
            result.IsCompressed = true;
            result.Optimized!.CompressedBytes = 800;
            result.AccuracyDrop!.Value = double.NegativeInfinity;
        }));
        file.Set("größe \"1\"", "cpu-x64", Locked.Entry(result: result => result.LatencyRatio = null));

        Assert.AreEqual(file.ToJson(), ModelLock.Parse(file.ToJson()).ToJson());
        Assert.AreEqual(file.ToJson(), ModelLock.Parse(file.ToJson().ReplaceLineEndings("\r\n")).ToJson());
    }

    [TestMethod]
    public void An_entry_knows_the_line_that_it_begins_on()
    {
        var file = new ModelLock();
        file.Set("digits", "cpu", Locked.Entry());
        file.Set("digits", "cpu-x64", Locked.Entry());

        var lines = file.ToJson().Split('\n');

        foreach (var (_, target, entry) in ModelLock.Parse(file.ToJson()).Entries)
        {
            StringAssert.Contains(lines[entry.Line - 1], $"\"{target}\": {{");
        }
    }

    [TestMethod]
    [DataRow("{\n  \"version\": 1,\n<<<<<<< HEAD\n  \"models\": {}\n=======\n", 3, "merge conflict")]
    [DataRow("{\n  \"version\": 1,\n  \"models\": {}\n=======\n}", 4, "merge conflict")]
    [DataRow("{\n  \"version\": 1,\n  \"models\": {\n    \"digits\": {\n", 5, "ends early")]
    [DataRow("{\n  \"version\": 2,\n  \"models\": {}\n}", 2, "a newer one wrote it")]
    [DataRow("{\n  \"models\": {}\n}", 1, "version none")]
    [DataRow("", 1, "ends early")]
    [DataRow("{\n  \"version\": 1,\n  \"models\": {\n    \"a\": {},\n    \"a\": {}\n  }\n}", 5, "twice")]
    [DataRow("{\n  \"version\": 1,\n  \"models\": {\n    \"a\": {\n      \"cpu\": {\n        \"source\": \"\", \"artifact\": \"\", \"size\": \"large\"\n      }\n    }\n  }\n}", 6, "'size' is not a whole number")]
    [DataRow("{\n  \"version\": 1,\n  \"models\": {\n    \"a\": {\n      \"cpu\": null\n    }\n  }\n}", 5, "'cpu' is not an object")]
    public void What_is_broken_is_said_with_its_line(string text, int line, string words)
    {
        var fault = Assert.ThrowsExactly<InvalidDataException>(() => ModelLock.Parse(text));

        Assert.AreEqual(line, ModelLock.LineOf(fault), fault.Message);
        StringAssert.Contains(fault.Message, words);
    }

    [TestMethod]
    [DataRow("\"source\": \"5000\",", "", 5, "there is no 'source'")]
    [DataRow("\"artifact\": \"a000\",", "", 5, "there is no 'artifact'")]
    [DataRow("\"size\": 1000", "\"size\": -5", 20, "'size' is -5")]
    [DataRow("\"size\": 1000", "\"other\": 1", 5, "there is no 'size'")]
    [DataRow("\"high\": 0.41", "\"height\": 0.41", 29, "there is no 'high'")]
    public void What_lacks_a_figure_compares_with_nothing_and_is_said(string text, string instead, int line, string words)
    {
        var file = new ModelLock();
        file.Set("digits", "cpu", Locked.Entry());
        var json = file.ToJson();
        StringAssert.Contains(json, text);

        var fault = Assert.ThrowsExactly<InvalidDataException>(() => ModelLock.Parse(json.Replace(text, instead, StringComparison.Ordinal)));

        Assert.AreEqual(line, ModelLock.LineOf(fault), json);
        StringAssert.Contains(fault.Message, words);
    }

    [TestMethod]
    public void What_can_still_be_made_belongs_to_the_project()
    {
        var scope = new LockScope(new Dictionary<string, IReadOnlyList<string>> { ["digits"] = [], ["faces"] = ["cuda"] }, isWholeProject: true);

        Assert.IsFalse(scope.IsGone("digits", "cpu-arm64"), "another runtime identifier makes it");
        Assert.IsTrue(scope.IsGone("digits", "cuda"), "no build makes it without naming it");
        Assert.IsFalse(scope.IsGone("faces", "cuda"));
        Assert.IsTrue(scope.IsGone("faces", "cpu"));
        Assert.IsTrue(scope.IsGone("letters", "cpu"));
    }

    [TestMethod]
    public void One_target_framework_does_not_speak_for_the_others() =>
        Assert.IsFalse(new LockScope(new Dictionary<string, IReadOnlyList<string>>(), isWholeProject: false).IsGone("letters", "cpu"));
}
