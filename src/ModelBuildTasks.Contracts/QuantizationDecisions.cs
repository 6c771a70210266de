using System.Collections.Generic;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>The plan of a quantization: what was decided for each output, layer and tensor.</summary>
public sealed class QuantizationDecisions
{
    /// <summary>Signal to noise of the outputs against the float model's on a few calibration samples, in decibels; null when they were not compared.</summary>
    public double? SignalToNoise { get; set; }

    public IList<QuantizedOutput> Outputs { get; } = [];

    public IList<QuantizedLayer> Layers { get; } = [];

    public IList<QuantizedTensor> Tensors { get; } = [];

    internal static QuantizationDecisions? Read(JsonObject? json)
    {
        if (json is null)
        {
            return null;
        }

        var decisions = new QuantizationDecisions { SignalToNoise = json.Number(nameof(SignalToNoise)) };
        foreach (var output in json.Objects(nameof(Outputs)))
        {
            decisions.Outputs.Add(QuantizedOutput.Read(output));
        }

        foreach (var layer in json.Objects(nameof(Layers)))
        {
            decisions.Layers.Add(QuantizedLayer.Read(layer));
        }

        foreach (var tensor in json.Objects(nameof(Tensors)))
        {
            decisions.Tensors.Add(QuantizedTensor.Read(tensor));
        }

        return decisions;
    }

    internal void Write(JsonWriter json) => json
        .Add(nameof(SignalToNoise), SignalToNoise)
        .Objects(nameof(Outputs), Outputs, (output, inner) => output.Write(inner))
        .Objects(nameof(Layers), Layers, (layer, inner) => layer.Write(inner))
        .Objects(nameof(Tensors), Tensors, (tensor, inner) => tensor.Write(inner));
}

/// <summary>An output, or the part of one that means one kind of thing, such as the boxes of a detector.</summary>
public sealed class QuantizedOutput
{
    public string Name { get; set; } = "";

    /// <summary>In decibels.</summary>
    public double? SignalToNoise { get; set; }

    internal static QuantizedOutput Read(JsonObject json) => new() { Name = json.Text(nameof(Name)) ?? "", SignalToNoise = json.Number(nameof(SignalToNoise)) };

    internal void Write(JsonWriter json) => json.Add(nameof(Name), Name).Add(nameof(SignalToNoise), SignalToNoise);
}

/// <summary>A Conv, MatMul, Gemm or another operator with weights.</summary>
public sealed class QuantizedLayer
{
    public string Name { get; set; } = "";

    public bool IsInteger { get; set; }

    /// <summary>Bits of a stored weight; null for weights in float.</summary>
    public long? WeightBits { get; set; }

    /// <summary>Of its result against the float model's on a few calibration samples, in decibels; null when it was not measured.</summary>
    public double? SignalToNoise { get; set; }

    /// <summary>Decibels of the outputs' signal to noise that float in this layer alone would bring back; null where that was not tried.</summary>
    public double? Sensitivity { get; set; }

    /// <summary>Why it stays in float, as a clause; null for a layer in integers.</summary>
    public string? Reason { get; set; }

    /// <summary>Of the float weights of a layer in integers; null where it was not kept.</summary>
    public NumberDistribution? Weights { get; set; }

    internal static QuantizedLayer Read(JsonObject json) => new()
    {
        Name = json.Text(nameof(Name)) ?? "",
        IsInteger = json.Flag(nameof(IsInteger)),
        WeightBits = json.Integer(nameof(WeightBits)),
        SignalToNoise = json.Number(nameof(SignalToNoise)),
        Sensitivity = json.Number(nameof(Sensitivity)),
        Reason = json.Text(nameof(Reason)),
        Weights = NumberDistribution.Read(json.Object(nameof(Weights))),
    };

    internal void Write(JsonWriter json) => json
        .Add(nameof(Name), Name)
        .Add(nameof(IsInteger), IsInteger)
        .Add(nameof(WeightBits), WeightBits)
        .Add(nameof(SignalToNoise), SignalToNoise)
        .Add(nameof(Sensitivity), Sensitivity)
        .Add(nameof(Reason), Reason)
        .Object(nameof(Weights), Weights is null ? null : Weights.Write);
}

/// <summary>A tensor between layers that is stored as integers: x ≈ (q − ZeroPoint)·Scale.</summary>
public sealed class QuantizedTensor
{
    public string Name { get; set; } = "";

    /// <summary>The lowest number that has a code.</summary>
    public double? Lowest { get; set; }

    /// <summary>The highest number that has a code.</summary>
    public double? Highest { get; set; }

    public double? Scale { get; set; }

    public long ZeroPoint { get; set; }

    /// <summary>How the range was found.</summary>
    public string? Method { get; set; }

    /// <summary>What its numbers lose by becoming codes, as the root of the mean square on a few calibration samples; null when it was not measured.</summary>
    public double? Error { get; set; }

    /// <summary>The numbers' power over that of the error, in decibels.</summary>
    public double? SignalToNoise { get; set; }

    /// <summary>Of what calibration saw; null where it was not kept.</summary>
    public NumberDistribution? Distribution { get; set; }

    internal static QuantizedTensor Read(JsonObject json) => new()
    {
        Name = json.Text(nameof(Name)) ?? "",
        Lowest = json.Number(nameof(Lowest)),
        Highest = json.Number(nameof(Highest)),
        Scale = json.Number(nameof(Scale)),
        ZeroPoint = json.Integer(nameof(ZeroPoint)) ?? 0,
        Method = json.Text(nameof(Method)),
        Error = json.Number(nameof(Error)),
        SignalToNoise = json.Number(nameof(SignalToNoise)),
        Distribution = NumberDistribution.Read(json.Object(nameof(Distribution))),
    };

    internal void Write(JsonWriter json) => json
        .Add(nameof(Name), Name)
        .Add(nameof(Lowest), Lowest)
        .Add(nameof(Highest), Highest)
        .Add(nameof(Scale), Scale)
        .Add(nameof(ZeroPoint), ZeroPoint)
        .Add(nameof(Method), Method)
        .Add(nameof(Error), Error)
        .Add(nameof(SignalToNoise), SignalToNoise)
        .Object(nameof(Distribution), Distribution is null ? null : Distribution.Write);
}
