import mark from '../mark.svg'

export function Mark() {
  return (
    <span className="mark">
      <img src={mark} alt="" width={28} height={28} />
      Switchyard
    </span>
  )
}
