using System.Numerics;
using System.Runtime.InteropServices;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>Casts elements between numeric types. Floating point targets round; integer targets take only values that they hold exactly.</summary>
internal static class ElementCast
{
    /// <summary>The tensor with elements of <paramref name="type"/>; itself when they are that already.</summary>
    /// <exception cref="OverflowException">A value is not a whole number, or outside the range of an integer target.</exception>
    /// <exception cref="NotSupportedException">One of the types has no numeric cast here.</exception>
    internal static Tensor To(ElementType type, Tensor source) => source.ElementType == type ? source : (source.ElementType, type) switch
    {
        (_, ElementType.BFloat16) => Tensor.CreateBFloat16([.. source.Dimensions], source.ToSingles()),
        (ElementType.BFloat16, _) => From<float>(type, Tensor.Create([.. source.Dimensions], source.ToSingles())),
        _ => ToNative(type, source),
    };

    /// <summary>Between types that .NET has, too.</summary>
    private static Tensor ToNative(ElementType type, Tensor source) => source.ElementType switch
    {
        ElementType.Float => From<float>(type, source),
        ElementType.Double => From<double>(type, source),
        ElementType.Float16 => From<Half>(type, source),
        ElementType.UInt8 => From<byte>(type, source),
        ElementType.Int8 => From<sbyte>(type, source),
        ElementType.UInt16 => From<ushort>(type, source),
        ElementType.Int16 => From<short>(type, source),
        ElementType.UInt32 => From<uint>(type, source),
        ElementType.Int32 => From<int>(type, source),
        ElementType.UInt64 => From<ulong>(type, source),
        ElementType.Int64 => From<long>(type, source),
        ElementType.Bool => From<byte>(type, Tensor.FromBytes(ElementType.UInt8, [.. source.Dimensions], source.Data)),
        _ => throw new NotSupportedException($"{source.ElementType} data cannot be cast."),
    };

    private static Tensor From<TFrom>(ElementType type, Tensor source) where TFrom : unmanaged, INumber<TFrom> => type switch
    {
        ElementType.Float => Make<TFrom, float>(source),
        ElementType.Double => Make<TFrom, double>(source),
        ElementType.Float16 => Make<TFrom, Half>(source),
        ElementType.UInt8 => Make<TFrom, byte>(source),
        ElementType.Int8 => Make<TFrom, sbyte>(source),
        ElementType.UInt16 => Make<TFrom, ushort>(source),
        ElementType.Int16 => Make<TFrom, short>(source),
        ElementType.UInt32 => Make<TFrom, uint>(source),
        ElementType.Int32 => Make<TFrom, int>(source),
        ElementType.UInt64 => Make<TFrom, ulong>(source),
        ElementType.Int64 => Make<TFrom, long>(source),
        ElementType.Bool => Tensor.Create([.. source.Dimensions], Array.ConvertAll(source.Span<TFrom>().ToArray(), Truth)),
        _ => throw new NotSupportedException($"Data cannot be cast to {type}."),
    };

    private static Tensor Make<TFrom, TTo>(Tensor source)
        where TFrom : unmanaged, INumber<TFrom> where TTo : unmanaged, INumber<TTo>
    {
        TTo[] result = GC.AllocateUninitializedArray<TTo>((int)source.Length);
        Cast(source.Span<TFrom>(), result);
        return Tensor.Create([.. source.Dimensions], result);
    }

    private static void Cast<TFrom, TTo>(ReadOnlySpan<TFrom> source, Span<TTo> result)
        where TFrom : unmanaged, INumber<TFrom> where TTo : unmanaged, INumber<TTo>
    {
        bool toWhole = typeof(TTo) != typeof(float) && typeof(TTo) != typeof(double) && typeof(TTo) != typeof(Half);
        for (int i = 0; i < source.Length; i++)
        {
            if (toWhole)
            {
                result[i] = TTo.CreateChecked(source[i]);
                if (!TFrom.IsInteger(source[i]))
                {
                    throw new OverflowException($"{source[i]} is not a whole number");
                }
            }
            else
            {
                result[i] = TTo.CreateTruncating(source[i]);
            }
        }
    }

    private static bool Truth<T>(T value) where T : INumber<T> =>
        value == T.One || (value == T.Zero ? false : throw new OverflowException($"{value} is neither 0 nor 1"));
}
