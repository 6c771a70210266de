namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>How the codes of a weight are found.</summary>
public enum WeightOnlyAlgorithm
{
    /// <summary><see cref="Gptq"/> for layers whose inputs calibration samples show, behind activation-aware scaling where that pays; <see cref="ScaleSearch"/> for the others.</summary>
    Auto,

    /// <summary>The nearest codes in the whole range of each block.</summary>
    RoundToNearest,

    /// <summary>HQQ: blocks are fitted so that outliers pull less.</summary>
    HalfQuadratic,

    /// <summary>The range of each block with the least squared error, weighted by the inputs' moments when there are calibration samples.</summary>
    ScaleSearch,

    /// <summary>Rounding errors make up for each other on the calibration samples.</summary>
    Gptq,
}
