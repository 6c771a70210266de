namespace ModelBuildTasks.Contracts.Tests;

[TestClass]
public sealed class CalibratedInputsTests
{
    [TestMethod]
    public void The_distribution_of_an_input_survives_writing_and_reading()
    {
        OptimizationResult result = new();
        result.CalibratedInputs.Add(new CalibratedInput { Input = "image", Channel = 2, Samples = 100, Mean = 0.5, Deviation = 0.25, Lowest = -1, Highest = 1e-30, Edges = [-1, 0, 0.1], Shares = [0, 0.25, 0.75, 0] });
        result.CalibratedInputs.Add(new CalibratedInput { Input = "tokens" });

        OptimizationResult read = OptimizationResult.FromJson(result.ToJson());

        Assert.AreEqual(result.ToJson(), read.ToJson());
        CollectionAssert.AreEqual(new[] { -1, 0, 0.1 }, read.CalibratedInputs[0].Edges.ToArray());
        CollectionAssert.AreEqual(new[] { 0, 0.25, 0.75, 0 }, read.CalibratedInputs[0].Shares.ToArray());
        Assert.AreEqual(2, read.CalibratedInputs[0].Channel);
        Assert.IsNull(read.CalibratedInputs[1].Channel);
    }

    [TestMethod]
    [DataRow("\"0.5\"")]
    [DataRow("[\"0.5\"]")]
    [DataRow("[null]")]
    public void Numbers_that_are_none_are_refused(string edges)
    {
        string text = $$"""{ "Version": 1, "CalibratedInputs": [ { "Input": "x", "Edges": {{edges}} } ] }""";

        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => OptimizationResult.FromJson(text)).Message, "'Edges'");
    }
}
