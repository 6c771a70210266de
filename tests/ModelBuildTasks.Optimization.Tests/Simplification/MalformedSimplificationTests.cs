using ModelBuildTasks.Onnx.Tests.Malformed;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class MalformedSimplificationTests
{
    private const int Models = 400;

    /// <summary>The first of those that the benchmarks' <c>fuzz --simplify</c> runs by the ten thousand.</summary>
    [TestMethod]
    public void Malformed_models_that_load_are_simplified_without_a_rule_that_fails()
    {
        using MalformedModels malformed = new(Path.GetDirectoryName(RealModels.Data("models", "winml_iris.onnx")) ?? "");
        MalformedOutcome[] outcomes = [.. Enumerable.Range(0, Models).Select(number => MalformedSimplification.Run(malformed, number))];

        string[] problems = [.. outcomes.Select(outcome => outcome.Problem).OfType<string>()];
        Assert.IsEmpty(problems, string.Join('\n', problems.Take(10)));
        // Were all refused, or none, the mutations would test little.
        Assert.IsGreaterThan(Models / 10, outcomes.Count(outcome => outcome.Refusal is null));
    }
}
