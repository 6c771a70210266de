using ModelBuildTasks.Contracts;
using ModelBuildTasks.Execution;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class ResultLines
{
    private readonly OptimizationResult _result = new()
    {
        Target = "cpu",
        Original = new ModelFigures { Bytes = 1_356_800 },
        Optimized = new ModelFigures { Bytes = 358_220 },
    };

    [TestMethod]
    public void Say_what_was_measured()
    {
        _result.AccuracyDrop = new AccuracyDrop { Metric = Metric.Top1, Value = -0.0007 };
        _result.LatencyRatio = new LatencyRatio { Measured = true, Value = 0.361 };

        Assert.AreEqual("digits (cpu): 1,325 KB → 350 KB, drop -0.07 points, latency × 0.36", ResultLine.Of("digits", _result));
    }

    [TestMethod]
    public void Say_which_device_measured_and_when()
    {
        _result.LatencyRatio = new LatencyRatio { Measured = true, Value = 0.361 };
        _result.Device = new DeviceMeasurement { MeasuredUtc = new DateTime(2026, 11, 17, 0, 0, 0, DateTimeKind.Utc), Device = new MeasuredDevice { Processor = "Cortex-A76" } };

        StringAssert.EndsWith(ResultLine.Of("digits", _result), ", latency × 0.36 on Cortex-A76, 2026-11-17");
    }

    [TestMethod]
    public void Say_what_ships_compressed()
    {
        _result.IsCompressed = true;
        _result.Optimized!.CompressedBytes = 102_400;

        Assert.AreEqual("digits (cpu): 1,325 KB → 350 KB (100 KB compressed)", ResultLine.Of("digits", _result));
    }

    [TestMethod]
    public void Say_what_zeros_would_buy()
    {
        _result.Optimized!.CompressedBytes = 102_400;
        _result.Original!.Multiplications = _result.Optimized.Multiplications = 1_000_000;

        Assert.AreEqual("digits (cpu): 1,325 KB → 350 KB (at most 100 KB with Compress=\"true\")", ResultLine.Of("digits", _result));
    }

    [TestMethod]
    public void Say_what_work_is_left_of_pruned_channels()
    {
        (_result.Original!.Multiplications, _result.Optimized!.Multiplications) = (1_000_000, 520_000);

        StringAssert.EndsWith(ResultLine.Of("digits", _result), ", multiplications × 0.52");
    }

    [TestMethod]
    public void Leave_out_what_was_not()
    {
        _result.LatencyRatio = new LatencyRatio { Measured = false, Reason = "ModelMeasurement is Skip" };

        Assert.AreEqual("digits (cpu): 1,325 KB → 350 KB", ResultLine.Of("digits", _result));
    }

    [TestMethod]
    [DataRow(Metric.F1)]
    [DataRow(Metric.AreaUnderRoc)]
    [DataRow(Metric.Agreement)]
    public void Call_a_hundredth_of_a_share_a_point(Metric metric)
    {
        _result.AccuracyDrop = new AccuracyDrop { Metric = metric, Value = 0.00123 };

        StringAssert.EndsWith(ResultLine.Of("digits", _result), ", drop 0.12 points");
    }

    [TestMethod]
    [DataRow(Metric.Cosine)]
    [DataRow(Metric.MeanSquaredError)]
    public void Call_only_shares_points(Metric metric)
    {
        _result.AccuracyDrop = new AccuracyDrop { Metric = metric, Value = 0.00123 };

        StringAssert.EndsWith(ResultLine.Of("digits", _result), $", {metric} drop 0.0012");
    }

    [TestMethod]
    public void Count_the_bytes_of_small_models()
    {
        _result.Original!.Bytes = 2_048;
        _result.Optimized!.Bytes = 900;

        Assert.AreEqual("digits (cpu): 2,048 bytes → 900 bytes", ResultLine.Of("digits", _result));
    }

    [TestMethod]
    public void Say_when_nothing_had_to_be_done()
    {
        _result.FromCache = true;

        StringAssert.EndsWith(ResultLine.Of("digits", _result), ", from the cache");
    }
}
