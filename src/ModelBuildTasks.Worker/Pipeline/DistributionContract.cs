using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.DataChecks;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// The distributions at calibration as results carry them, and back. Evaluation does not know the contracts, nor they it, so that each has a type of its own; that of Evaluation requires every member.
/// </summary>
internal static class DistributionContract
{
    internal static CalibratedInput Of(InputDistribution input) => new()
    {
        Input = input.Input,
        Channel = input.Channel,
        Samples = input.Samples,
        Mean = input.Mean,
        Deviation = input.Deviation,
        Lowest = input.Lowest,
        Highest = input.Highest,
        Edges = input.Edges,
        Shares = input.Shares,
    };

    internal static InputDistribution Read(CalibratedInput input) => new()
    {
        Input = input.Input,
        Channel = input.Channel,
        Samples = input.Samples,
        Mean = input.Mean,
        Deviation = input.Deviation,
        Lowest = input.Lowest,
        Highest = input.Highest,
        Edges = input.Edges,
        Shares = input.Shares,
    };
}
