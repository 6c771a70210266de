using ModelBuildTasks.Execution;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class WorkerOutputs
{
    private readonly WorkerOutput _output = new();

    [TestMethod]
    public void Keep_the_last_words_of_standard_error_only()
    {
        for (var i = 1; i <= 20; i++)
        {
            _output.Take($"error {i}", isError: true);
            _output.Take("progress", isError: false);
        }

        StringAssert.StartsWith(_output.LastWords, "error 9");
        StringAssert.EndsWith(_output.LastWords, "error 20");
        Assert.DoesNotContain("progress", _output.LastWords);
    }

    [TestMethod]
    public void Say_when_there_are_no_last_words() => Assert.AreEqual("It wrote nothing to standard error.", _output.LastWords);

    [TestMethod]
    public void Cut_a_line_that_is_too_long() => Assert.AreEqual(WorkerOutput.LongestLine + 1, _output.Take(new string('x', 1 << 20), isError: false)!.Length);

    [TestMethod]
    public void End_with_one_line_that_says_so()
    {
        for (var i = 0; i < WorkerOutput.MostLines; i++)
        {
            Assert.AreEqual("line", _output.Take("line", isError: false));
        }

        StringAssert.Contains(_output.Take("line", isError: false), "5,000 lines are enough");
        Assert.IsNull(_output.Take("line", isError: false));
    }
}
