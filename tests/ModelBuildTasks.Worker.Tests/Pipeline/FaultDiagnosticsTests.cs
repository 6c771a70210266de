using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

[TestClass]
public sealed class FaultDiagnosticsTests
{
    [TestMethod]
    [DataRow("No matrix product loses less.", "no matrix product loses less")]
    [DataRow("A sparsity of 0 removes nothing.", "a sparsity of 0 removes nothing")]
    [DataRow("Simplified, the model would grow.", "simplified, the model would grow")]
    [DataRow("Second-order pruning needs samples.", "second-order pruning needs samples")]
    [DataRow("MatMul has no weights.", "MatMul has no weights")]
    [DataRow("SmoothQuant needs samples.", "SmoothQuant needs samples")]
    [DataRow("ONNX Runtime can't run it.", "ONNX Runtime can't run it")]
    [DataRow("Top1 drops by 0.02.", "Top1 drops by 0.02")]
    [DataRow("'W' is no number.", "'W' is no number")]
    [DataRow("", "")]
    public void A_sentence_behind_a_colon_begins_small_unless_with_a_name(string sentence, string expected) => Assert.AreEqual(expected, FaultDiagnostics.Reason(sentence));
}
