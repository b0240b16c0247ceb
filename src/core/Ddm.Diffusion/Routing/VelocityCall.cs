using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>A question to an expert, asked and perhaps not answered yet: see <see cref="IVelocityModel.Begin"/>.</summary>
public sealed class VelocityCall : IDisposable
{
    private readonly Func<Tensor> answer;
    private readonly Action? giveUp;
    private readonly Func<string>? source;

    /// <summary>A question that is answered elsewhere.</summary>
    /// <param name="arrival">Ends when the answer is there or has failed; never faults by itself.</param>
    /// <param name="answer">Gives it once it has arrived, on the thread that asked; throws <see cref="ExpertLostException"/> where nobody could answer.</param>
    /// <param name="giveUp">Nobody waits for it any more; null: nothing to do then.</param>
    /// <param name="source">Names who answered, asked once the answer was given; null: nobody is named.</param>
    public VelocityCall(Task arrival, Func<Tensor> answer, Action? giveUp = null, Func<string>? source = null)
        => (Arrival, this.answer, this.giveUp, this.source) = (arrival, answer, giveUp, source);

    private VelocityCall(Func<Tensor> answer) => this.answer = answer;

    /// <summary>Ends when the answer has arrived; null: it is computed when it is asked for.</summary>
    public Task? Arrival { get; }

    /// <summary>Who answered, once <see cref="Answer"/> has returned; null: this process.</summary>
    public string? AnsweredBy => source?.Invoke();

    /// <summary>A question that this process answers when it is asked for.</summary>
    public static VelocityCall Here(Func<Tensor> answer) => new(answer);

    /// <summary>The answer, waited for where it must be; in the caller's dispose scope.</summary>
    /// <exception cref="ExpertLostException">Nobody could answer.</exception>
    public Tensor Answer()
    {
        Arrival?.GetAwaiter().GetResult();
        return answer();
    }

    /// <inheritdoc/>
    public void Dispose() => giveUp?.Invoke();
}
