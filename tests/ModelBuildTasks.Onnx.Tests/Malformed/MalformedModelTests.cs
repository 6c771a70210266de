namespace ModelBuildTasks.Onnx.Tests.Malformed;

[TestClass]
public class MalformedModelTests
{
    private const int Models = 1000;

    /// <summary>The first of those that the benchmarks' <c>fuzz</c> command runs by the ten thousand.</summary>
    [TestMethod]
    public void Malformed_models_load_or_are_refused_in_bounded_time_and_memory()
    {
        using MalformedModels malformed = new(RoundTripTests.ModelsFolder);
        MalformedOutcome[] outcomes = [.. Enumerable.Range(0, Models).Select(malformed.Run)];

        string[] problems = [.. outcomes.Select(outcome => outcome.Problem).OfType<string>()];
        Assert.IsEmpty(problems, string.Join('\n', problems.Take(10)));
        // Were all refused, or none, the mutations would test little.
        Assert.IsGreaterThan(Models / 10, outcomes.Count(outcome => outcome.Refusal is null));
        Assert.IsGreaterThan(Models / 3, outcomes.Count(outcome => outcome.Refusal is not null));
    }
}
