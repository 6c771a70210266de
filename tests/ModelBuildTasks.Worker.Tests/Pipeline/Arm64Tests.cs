using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>Artifacts for <c>cpu-arm64</c> in ONNX Runtime's ARM64 build, beside the same artifacts on this processor.</summary>
[TestClass]
public sealed class Arm64Tests
{
    /// <summary>Of the largest output. The integers are the same on both; what floats stand between them adds in another order, and a number half-way between two codes may round either way.</summary>
    private const double Tolerance = 0.02;

    private const int Samples = 60;

    [ClassCleanup]
    public static void Clean() => Arm64Machine.Clean();

    [TestMethod]
    public void The_samples_model_answers_on_arm64_as_on_this_processor()
    {
        string source = Repository.File("samples/MeterReader/Models/digits.onnx");
        using Workplace place = Workplace.With(Model.Load(source));
        Optimize(place, request =>
        {
            request.Settings.Quantization = Quantization.Static;
            request.CalibrationData = Repository.File("samples/MeterReader/Data/calibration");
        });
        using ModelSession session = ModelSession.Open(place.OutputPath);
        Sample[] samples = [.. Dataset.Open(Repository.File("samples/MeterReader/Data/evaluation"), session.Inputs).Take(Samples).Read()];

        IReadOnlyList<Tensor>[] there = Arm64Machine.Run(place.OutputPath, [.. samples.Select(sample => sample.Inputs)]);

        int rightHere = 0, rightThere = 0;
        for (int i = 0; i < samples.Length; i++)
        {
            float[] here = session.Run(samples[i].Inputs)[0].ToSingles();
            AssertAlike(here, there[i][0].ToSingles());
            int label = (int)samples[i].Label!.ToSingles()[0];
            rightHere += Array.IndexOf(here, here.Max()) == label ? 1 : 0;
            rightThere += Array.IndexOf(there[i][0].ToSingles(), there[i][0].ToSingles().Max()) == label ? 1 : 0;
        }

        Assert.AreEqual(rightHere, rightThere, "The accuracy must be the same.");
        Assert.IsGreaterThan(Samples * 9 / 10, rightThere);
    }

    [TestMethod]
    [DataRow(nameof(Precision.Float32), nameof(Quantization.Auto))]
    [DataRow(nameof(Precision.Int8), nameof(Quantization.Dynamic))]
    [DataRow(nameof(Precision.Int4), nameof(Quantization.Auto))]
    [DataRow(nameof(Precision.Float16), nameof(Quantization.Auto))]
    public void Every_form_loads_and_answers_alike(string precision, string quantization)
    {
        using Workplace place = Workplace.With(SmallModels.WideMlp());
        Optimize(place, request =>
        {
            request.Settings.Precision = Enum.Parse<Precision>(precision);
            request.Settings.Quantization = Enum.Parse<Quantization>(quantization);
        });
        using ModelSession session = ModelSession.Open(place.OutputPath);
        Tensor input = Tensor.Create([1, 64], [.. Enumerable.Range(0, 64).Select(i => MathF.Sin(i))]);

        IReadOnlyList<Tensor> there = Arm64Machine.Run(place.OutputPath, [[input]])[0];

        AssertAlike(session.Run([input])[0].ToSingles(), there[0].ToSingles());
    }

    private static void Optimize(Workplace place, Action<OptimizationRequest> change)
    {
        OptimizationResult result = Workplace.Run(place.Request(request =>
        {
            request.Target = TargetNames.CpuArm64;
            change(request);
        }));
        Assert.IsTrue(result.Succeeded, string.Join("\n", result.Diagnostics));
        Assert.IsFalse(result.Diagnostics.Any(diagnostic => diagnostic.Code is "MBT1001" or "MBT1006"), string.Join("\n", result.Diagnostics));
    }

    private static void AssertAlike(float[] here, float[] there)
    {
        double scale = here.Max(Math.Abs);
        for (int i = 0; i < here.Length; i++)
        {
            Assert.AreEqual(here[i], there[i], Tolerance * scale);
        }
    }
}
