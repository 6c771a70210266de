using ModelBuildTasks.Execution;

namespace ModelBuildTasks.Tests;

/// <summary>Which of the worker's lines a build shows while it trains.</summary>
[TestClass]
public sealed class ShownTrainingLines
{
    private const string Line = "digits (cpu): distillation, 25 %, loss 0.239, 26s left";

    private readonly TrainingLines _lines;
    private TimeSpan _now;

    public ShownTrainingLines() => _lines = new TrainingLines(() => _now);

    [TestMethod]
    public void The_first_of_a_model_is_seen_and_the_next_after_half_a_minute()
    {
        Assert.IsTrue(_lines.IsToBeSeen(Line));
        _now = TimeSpan.FromSeconds(29);
        Assert.IsFalse(_lines.IsToBeSeen(Line));
        _now = TimeSpan.FromSeconds(30);
        Assert.IsTrue(_lines.IsToBeSeen(Line));
    }

    [TestMethod]
    public void Each_model_and_target_has_its_own()
    {
        Assert.IsTrue(_lines.IsToBeSeen(Line));
        Assert.IsTrue(_lines.IsToBeSeen("digits (cuda): distillation, 25 %, loss 0.239, 26s left"));
        Assert.IsTrue(_lines.IsToBeSeen("Zähler 2 (cpu): distillation, 25 %, loss 1.2E+03"));
        Assert.IsFalse(_lines.IsToBeSeen("digits (cpu): quantization-aware training, 1 %, loss 0.3, 1min 5s left"));
    }

    [TestMethod]
    public void What_came_of_a_training_is_seen_at_any_time()
    {
        _lines.IsToBeSeen(Line);

        Assert.IsTrue(_lines.IsToBeSeen("digits (cpu): distillation, 100 %, ended: 3000 steps on 270 samples in 67 s: the distance from the teacher fell from 0.3 to 0.1; all steps are done."));
    }

    [TestMethod]
    [DataRow("digits (cpu): distillation")]
    [DataRow("digits (cpu): measuring, 25 %, 3 of 4")]
    [DataRow("app.csproj(1,1): error MBT9999: this is prose")]
    [DataRow("")]
    public void Other_lines_are_not(string line) => Assert.IsFalse(_lines.IsToBeSeen(line));
}
