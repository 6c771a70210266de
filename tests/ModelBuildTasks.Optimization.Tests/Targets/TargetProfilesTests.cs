using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Targets;

[TestClass]
public sealed class TargetProfilesTests
{
    [TestMethod]
    public void The_profiles_are_the_targets_that_projects_can_name() =>
        CollectionAssert.AreEquivalent(TargetNames.ByPreference.ToArray(), TargetProfiles.All.Select(profile => profile.Name).ToArray());

    [TestMethod]
    public void A_profile_is_found_whatever_its_case() => Assert.AreSame(TargetProfiles.TensorRt, TargetProfiles.Find("TensorRT"));

    [TestMethod]
    public void Only_targets_for_processors_of_this_kind_run_here() =>
        CollectionAssert.IsSubsetOf(TargetProfiles.All.Where(profile => profile.RunsHere).Select(profile => profile.Name).ToArray(), new[] { "cpu", "cpu-x64", "cpu-arm64" });

    [TestMethod]
    [DataRow("cuda", 2, "none for 2")]
    [DataRow("directml", 4, "no kernels for packed weights")]
    [DataRow("tensorrt", 4, "standard operators only")]
    public void Weights_are_packed_only_where_there_are_kernels(string target, int bits, string reason)
    {
        PassOutcome outcome = new WeightOnlyQuantization(new BlockFormat(bits, 32, IsSymmetric: false)).Apply(Model.Create("g", 17, 8), new PassContext(TargetProfiles.Find(target)!));

        Assert.IsFalse(outcome.Changed);
        StringAssert.Contains(outcome.Explanation, reason);
    }

    [TestMethod]
    public void Every_target_that_computes_float16_takes_the_conversion()
    {
        foreach (TargetProfile profile in TargetProfiles.All)
        {
            Model model = Model.Create("g", 17, 8);
            Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4));
            model.Graph.AddOutput(model.Graph.Add("MatMul", x, model.Graph.AddInitializer("W", Tensor.Create([4, 4], new float[16]))));

            Assert.AreEqual(profile.ComputesFloat16, new Float16Conversion().Apply(model, new PassContext(profile)).Changed, profile.Name);
        }
    }
}
