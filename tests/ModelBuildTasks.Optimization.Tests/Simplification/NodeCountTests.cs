using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

/// <summary>What is left of real exports, nested graphs included.</summary>
[TestClass]
public class NodeCountTests
{
    [TestMethod]
    [DataRow("silero_vad.onnx", 58)]
    [DataRow("ch_ppocr_mobile_v2.0_cls_infer.onnx", 125)]
    [DataRow("ch_PP-OCRv3_det_infer.onnx", 169)]
    [DataRow("ultraface_RFB-320.onnx", 121)]
    [DataRow("mobilenet_v1_0.25_224.onnx", 58)]
    [DataRow("FastestDet.onnx", 178)]
    [DataRow("magika_standard_v3_3.onnx", 71)]
    [DataRow("dtln_model_1.onnx", 22)]
    public void A_real_model_is_left_with_few_nodes(string name, int most)
    {
        Model model = Model.Load(RealModels.Require(name));

        PassOutcome outcome = new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu));

        Assert.IsLessThanOrEqualTo(most, model.Graph.WithSubgraphs().Sum(graph => graph.Nodes.Count), outcome.Explanation);
        Assert.DoesNotContain("BatchNormalization", model.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes).Select(node => node.OpType));
    }
}
